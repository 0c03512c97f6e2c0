# One image for every process of the Procfile. Stage 1 resolves packages, stage 2 carries only what runs.
FROM node:22-bookworm-slim AS static
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund

FROM python:3.11-slim-bookworm AS packages
WORKDIR /app
COPY requirements/base.txt requirements/base.txt
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/base.txt

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 intermission
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 INTERMISSION_VAR=/data
COPY --from=packages /venv /venv
COPY --from=static /app/node_modules node_modules
COPY . .
RUN mkdir /data && chown intermission /data
USER intermission
VOLUME /data
EXPOSE 8000
CMD ["python", "-m", "daphne", "-b", "0.0.0.0", "-p", "8000", "--verbosity", "0", "--websocket_timeout", "3600", "adplatform.web:application"]
