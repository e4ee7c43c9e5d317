"""The middle floor: thin wrappers that turn Airflow's context into arguments and results into assets, links, failures."""
