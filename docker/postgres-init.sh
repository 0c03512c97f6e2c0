#!/bin/sh
# Runs once, on an empty data folder: the application's role owns its database and is no superuser; the chat reads as insights_ro.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$POSTGRES_PASSWORD" --username postgres --dbname postgres <<'SQL'
CREATE ROLE intermission LOGIN CREATEDB PASSWORD :'password';
CREATE ROLE insights_ro LOGIN NOINHERIT PASSWORD :'password';
CREATE DATABASE intermission OWNER intermission;
SQL
psql --set=ON_ERROR_STOP=1 --username postgres --dbname intermission --command 'CREATE EXTENSION IF NOT EXISTS vector'
