"""Who accuses whom, and who denies it, in French news: articles to statements to stances."""
