# Builds any member that runs as a container: the services, libs/db (migrations) and libs/demo.
#
#   docker build --build-arg MEMBER=services/budget --build-arg PACKAGE=harena-budget .

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/uv.txt requirements/uv.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/uv.txt
ARG MEMBER
ARG PACKAGE
COPY requirements requirements
COPY tools/install_image.sh tools/install_image.sh
COPY libs libs
COPY ${MEMBER} ${MEMBER}
# The cache is what makes a rebuild fast: third-party wheels are linked from it, not downloaded.
RUN --mount=type=cache,target=/root/.cache/uv \
    UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 tools/install_image.sh uv /app "${MEMBER}" /usr/local/bin/python3 && \
    test -x "/app/bin/${PACKAGE}"


# The same interpreter at the same path, and neither uv nor a compiler.
FROM python:3.11-slim-bookworm
ARG PACKAGE
LABEL org.opencontainers.image.title=${PACKAGE}
RUN groupadd --gid 10001 harena && \
    useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin harena
COPY --from=build /app /app
# The chart mounts the root file system read-only, so nothing may try to write bytecode.
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
ENTRYPOINT ["harena-main"]
