# The one image of the platform: S3 (SeaweedFS), MLflow, Airflow and what the scoring service needs come as wheels of the
# hashed lock, so nothing but Python is taken from anywhere else. The command says which service a container is.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/flightdeck

COPY requirements.txt ./
RUN pip install --quiet --require-hashes -r requirements.txt

RUN useradd --create-home flightdeck && install -d -m 700 -o flightdeck -g flightdeck /data
COPY include/ include/
COPY plugins/ plugins/
COPY dags/ dags/
RUN python -m compileall -q include plugins dags

# An image carries no repository; every training keeps the commit of its code.
ARG COMMIT=unknown
ENV FLIGHTDECK_COMMIT=$COMMIT
USER flightdeck
VOLUME /data
ENTRYPOINT ["python", "-m", "include.platform.container"]
