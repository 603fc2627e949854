"""Score articles: the same as ``stance score``. See ``python scripts/score_articles.py --help``."""

import sys

from pipeline.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "score")
    main()
