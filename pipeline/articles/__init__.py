"""Files to articles to statements. No model in here."""
