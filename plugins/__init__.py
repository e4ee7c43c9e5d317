"""The middle floor: thin wrappers: Airflow's context into arguments, results into assets, links and failures."""
