"""Batch scoring of articles."""
