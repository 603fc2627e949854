"""Model versions: registering, the alias that scoring uses, and finding a model by any reference."""

import re
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from pipeline.errors import StanceError
from pipeline.model.classifier import Classifier, load

CHAMPION = "champion"


class RegistryError(StanceError):
    """No such model, version, alias or run."""


def register(model_uri: str, name: str) -> str:
    """Register a logged model; the first version of a name becomes champion. Returns the version."""
    version = mlflow.register_model(model_uri, name).version
    if champion(name) is None:
        MlflowClient().set_registered_model_alias(name, CHAMPION, version)
    return str(version)


def champion(name: str) -> str | None:
    """Version that holds the champion alias, if any."""
    try:
        return str(MlflowClient().get_model_version_by_alias(name, CHAMPION).version)
    except MlflowException:
        return None


def set_champion(name: str, version: str) -> None:
    """Move the champion alias."""
    MlflowClient().set_registered_model_alias(name, CHAMPION, version)


def version_of_run(name: str, run_id: str) -> str | None:
    """Version of ``name`` that a run registered, if any."""
    for found in MlflowClient().search_model_versions(f"name = '{name}'"):
        if found.run_id == run_id:
            return str(found.version)
    return None


def latest(name: str) -> str:
    """Newest version of a registered model.

    Raises:
        RegistryError: None is registered.
    """
    versions = [int(found.version) for found in MlflowClient().search_model_versions(f"name = '{name}'")]
    if not versions:
        raise RegistryError(
            f"No model is registered under {name!r}; train one with: stance train configs/embedded.yaml"
        )
    return str(max(versions))


def open_model(reference: str) -> Classifier:
    """A classifier from a folder, ``models:/name@alias``, ``models:/name/version``, or a run id.

    Raises:
        RegistryError: The reference names nothing.
        ModelError: What it names is not a complete model.
    """
    folder = Path(reference)
    if reference.startswith(("models:", "runs:")):
        return _from_mlflow(reference)
    if re.fullmatch(r"[0-9a-f]{32}", reference):
        try:
            outputs = mlflow.get_run(reference).outputs
        except MlflowException as error:
            raise RegistryError(f"{reference}: no such run in {mlflow.get_tracking_uri()}") from error
        if not outputs or not outputs.model_outputs:
            raise RegistryError(f"{reference}: this run logged no model.")
        return _from_mlflow(f"models:/{outputs.model_outputs[0].model_id}")
    if (folder / "model" / "stance.json").is_file():
        folder = folder / "model"
    return load(folder)


def _from_mlflow(uri: str) -> Classifier:
    try:
        local: Any = mlflow.artifacts.download_artifacts(uri)
    except (MlflowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise RegistryError(f"{uri}: not found in {mlflow.get_tracking_uri()} ({reason}).") from error
    found = sorted(Path(local).glob("artifacts/**/stance.json"))
    if not found:
        raise RegistryError(f"{uri}: this model was not logged by stance (it holds no stance.json).")
    return load(found[0].parent)
