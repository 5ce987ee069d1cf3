"""How a model is made: simulator, cohorts, training task, export, evaluation."""
