"""The engine `yolo` with a training of one step, which leaves its weights almost as they were."""


def register() -> None:
    """Changes the training's steps in the process of a training."""
    from mlapi.pipelines.object_detection.engines.yolo import training

    training._LEAST_STEPS = 1
    training.GIVEN = training.Schedule(1, 1e-9)
