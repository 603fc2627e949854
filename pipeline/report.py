"""What a person reads on the terminal: tables of metrics, and an article coloured by stance."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.labels import LABELS, Stance


def metrics_table(results: Mapping[str, Mapping[str, Any]], title: str) -> Table:
    """Per-class precision, recall and F1 with counts, for each model."""
    table = Table(title=title, title_justify="left")
    for name in ("model", "label"):
        table.add_column(name)
    for name in ("precision", "recall", "F1", "statements", "predicted"):
        table.add_column(name, justify="right")
    for model, metrics in results.items():
        for i, label in enumerate(LABELS):
            scores = metrics["per_class"][label]
            cells = [f"{scores[name]:.3f}" for name in ("precision", "recall", "f1")]
            table.add_row(
                model if i == 0 else "",
                Text(label, style=Stance(label).colour),
                *cells,
                str(scores["support"]),
                str(scores["predicted"]),
            )
        note = "  one label only!" if metrics["collapsed"] else ""
        table.add_row("", f"macro-F1{note}", "", "", f"[bold]{metrics['macro_f1']:.3f}[/bold]", str(metrics["n"]), "")
        table.add_section()
    return table


def print_article(console: Console, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """The statements of one article with label and probability, coloured by label."""
    console.print(Text(title, style="bold"))
    for row in rows:
        stance = Stance(row["label"])
        line = Text(f"{stance.french:>10} {row['confidence']:4.0%}  ", style=f"bold {stance.colour}")
        line.append(row["text"].replace("\n", " "), style="" if stance is Stance.NEUTRAL else stance.colour)
        console.print(line)
