# The one image of the platform: Airflow, MLflow and what the scoring service needs come as wheels of the hashed lock,
# and so do PostgreSQL, Valkey and S3 for a place without a registry of images. So nothing but Python is taken from
# anywhere else. The command says which service a container is.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/flightdeck

# The lock names every package, so pip has nothing to resolve; left to itself, it asks for a hash of celery[redis].
COPY requirements-cluster.txt ./
RUN pip install --quiet --no-deps --require-hashes -r requirements-cluster.txt

RUN useradd --create-home flightdeck && install -d -m 700 -o flightdeck -g flightdeck /data /data/cache /data/airflow
# The part of the lock that a training's digest names, the same on one machine and on many.
COPY requirements.txt ./
COPY include/ include/
COPY plugins/ plugins/
COPY dags/ dags/
RUN python -m compileall -q include plugins dags

# Where containers reach no package index, the recorded data of the use cases is fetched while the image is built.
ARG RECORDINGS=
USER flightdeck
RUN [ -z "$RECORDINGS" ] || python -m include.data.recordings /data/cache

# An image carries no repository; every training keeps the commit of its code.
ARG COMMIT=unknown
ENV FLIGHTDECK_COMMIT=$COMMIT
ENTRYPOINT ["python", "-m", "include.platform.container"]
