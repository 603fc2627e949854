"""MLflow: runs, the model registry, the logged model. The only room that imports mlflow."""
