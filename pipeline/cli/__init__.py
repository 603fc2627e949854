"""The command line ``stance``: parses, calls, prints.

Exit codes: 0 done; 1 a fault of this program; 2 a mistake in the input, config or reference; 3 done, but some records
were set aside or a check failed; 4 the tracking server did not take the run; 130 stopped by the user.
"""

import signal
import sys

import typer
from rich.markup import escape

from pipeline.cli import articles, data, runs
from pipeline.cli.common import TRACKING, err
from pipeline.errors import StanceError

app = typer.Typer(
    help="Who accuses whom, and who denies it, in French news: train, compare, score.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    articles.segment, runs.train, runs.experiment, runs.evaluate, articles.score, runs.promote, runs.track,
):  # fmt: skip
    app.command()(command)
app.add_typer(data.data_app, name="data")
app.add_typer(data.encoder_app, name="encoder")


def main() -> None:
    """Run the command line; a user's mistake ends with a message and exit code 2, without a stack trace."""
    # A kill ends like Ctrl-C: the MLflow run is closed, half-written files are removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        result = app(standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except StanceError as error:
        err.print(f"[bold red]error:[/] {escape(str(error))}")
        sys.exit(TRACKING if type(error).__name__ == "TrackingError" else 2)
    except KeyboardInterrupt:
        err.print("stopped")
        sys.exit(130)
    except typer.Abort:
        sys.exit(130)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        err.print(f"[bold red]error:[/] {escape(str(error.filename))}: {escape(str(error.strerror))}")
        sys.exit(2)
    except Exception as error:
        if "No space left on device" in str(error):  # each library wraps it in an error of its own
            err.print("[bold red]error:[/] no space left on the device; free some and start again.")
            sys.exit(2)
        show = getattr(error, "show", None)  # a usage error of the command-line parser
        if show is None:
            raise
        show()
        sys.exit(2)
