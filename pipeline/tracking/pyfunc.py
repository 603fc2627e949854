"""The model that MLflow logs: a DataFrame of statements in, label, probabilities and flags out.

MLflow loads this file as code ("models from code"), beside a copy of the package, so no pickle is involved and the
model works without this repository.
"""

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext


class StanceModel(PythonModel):  # type: ignore[misc]  # mlflow is untyped here
    """Labels statements; columns in: ``text`` and optionally ``context`` and ``title``."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model folder that was logged as artifact ``model``."""
        from pathlib import Path

        from pipeline.model.classifier import load

        self.classifier = load(Path(context.artifacts["model"]))

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # hints would be a schema
        """One row a statement: ``label``, ``p_accusation``, ``p_denial``, ``p_neutral``, ``flags``."""
        from pipeline.labels import LABELS

        frame = model_input if isinstance(model_input, pd.DataFrame) else pd.DataFrame(model_input)
        columns = {
            name: frame[name].fillna("").astype(str).tolist() if name in frame else [""] * len(frame)
            for name in ("text", "context", "title")
        }
        predictions = self.classifier.predict(columns["text"], columns["context"], columns["title"])
        result = pd.DataFrame({"label": predictions.labels}, index=frame.index)
        for i, label in enumerate(LABELS):
            result[f"p_{label}"] = predictions.probabilities[:, i]
        result["flags"] = ["windowed" if long else "" for long in predictions.windowed]
        return result


mlflow.models.set_model(StanceModel())
