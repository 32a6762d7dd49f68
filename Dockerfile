# PostgreSQL with factstr, from the official image, and so for the majors and the system that it has:
#
#     docker build --build-arg PG_MAJOR=17 -t postgres-factstr .
#
# CREATE EXTENSION factstr is left to its users.  With "--target extension-image", the files of the extension alone, for
# servers of PostgreSQL 18 and newer that mount them (extension_control_path).

ARG PG_MAJOR=17

FROM postgres:${PG_MAJOR} AS build
RUN apt-get update && \
    apt-get install -y --no-install-recommends build-essential "postgresql-server-dev-$PG_MAJOR"
COPY . /usr/src/factstr
WORKDIR /usr/src/factstr
RUN make clean && \
    make -j"$(nproc)" PG_CONFIG="/usr/lib/postgresql/$PG_MAJOR/bin/pg_config" && \
    make install DESTDIR=/installed PG_CONFIG="/usr/lib/postgresql/$PG_MAJOR/bin/pg_config" && \
    make extension-image DESTDIR=/extension-image PG_CONFIG="/usr/lib/postgresql/$PG_MAJOR/bin/pg_config"

FROM scratch AS extension-image
COPY --from=build /extension-image/ /

FROM postgres:${PG_MAJOR}
COPY --from=build /installed/ /
# In every session from its start: without it, workers are started by the first subscription only.
CMD ["postgres", "-c", "shared_preload_libraries=factstr"]
