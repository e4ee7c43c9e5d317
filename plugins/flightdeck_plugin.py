"""The one file that Airflow loads from plugins/: registers the links of the operators' pages."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from plugins.ui.links import ALL_LINKS


class FlightdeckPlugin(AirflowPlugin):
    """Flightdeck in Airflow's list of plugins."""

    name = "flightdeck"
    operator_extra_links = [link() for link in ALL_LINKS]  # noqa: RUF012 - Airflow's own form
