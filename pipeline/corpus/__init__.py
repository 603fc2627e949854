"""The labelled corpus: its schema, its checks, its splits."""
