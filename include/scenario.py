"""What may happen to the data of a replayed use case, and what its loop ought to do: words alone, for everybody.

Nothing but the standard library, for the door's help reads it before anything is installed. How rows are changed is in
``include.data.scenarios``, what a loop is held to in ``include.monitor_ops.expectations``.
"""

from __future__ import annotations

from typing import Literal

ScenarioName = Literal["calm", "drift", "data-fault", "selection-bias", "concept-change"]
CALM: ScenarioName = "calm"
SCENARIOS: dict[ScenarioName, str] = {
    "calm": "nothing happens; the monitor must ask for no training",
    "drift": "inputs move everywhere, and what follows from them with them; it must be confirmed and trained for",
    "data-fault": "what is delivered is wrong; nothing may be trained on it, and somebody must be called",
    "selection-bias": "another mix of cases comes, each as before; it must be named",
    "concept-change": "inputs are as before, and mean something else; the truth must show it, and a training follow",
}
