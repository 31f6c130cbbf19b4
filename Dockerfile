# One image for the web server and the workers; docker-compose.yml tells them apart.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg util-linux \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /srv/reprise
COPY pyproject.toml README.md ./
# The CPU build keeps the image small; a GPU worker is built with --build-arg TORCH="torch==2.13.*".
ARG TORCH="torch==2.13.*"
RUN pip install --no-cache-dir "$TORCH" && pip install --no-cache-dir --editable .
COPY manage.py ./
COPY searchapp searchapp
COPY indexing indexing
COPY ml ml
COPY templates templates
COPY static static

RUN useradd --create-home --uid 10001 reprise \
    && install -d -o reprise -g reprise /data
USER reprise
ENV REPRISE_DATA=/data PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "searchapp.wsgi", "--bind", "0.0.0.0:8000", "--threads", "8", "--timeout", "0", "--no-control-socket"]
