"""The model that knows how much everything is wanted today."""

import time


class DemandModel:
    """Predicts demand; 1.0 is a usual day."""

    def __init__(self) -> None:
        time.sleep(2)  # stands in for gigabytes of weights that are read from a disk
        self.loaded_at = time.strftime("%H:%M:%S")
        self.demand = {"coffee": 1.25, "tea": 1.0, "cake": 0.75}

    def predict(self, item: str) -> float:
        """How much `item` is wanted today."""
        return self.demand[item]
