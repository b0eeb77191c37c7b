# One image with the four programs; the command says which of them runs. Base images are pinned by
# tag; whoever publishes the image pins them by digest as well.

FROM rust:1.95.0-slim-bookworm AS build

# librdkafka is made by configure and make with a C++ compiler, OpenSSL by perl.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make perl \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /build
COPY . .

# A panic says its line without debug information too, and four programs with it are large.
ENV CARGO_PROFILE_DIST_DEBUG=none

# Cargo compares times of files, but those of a checkout do not say what the cached target was built
# from: all of our own sources count as new, only dependencies come from the cache.
RUN --mount=type=cache,id=timedeal-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=timedeal-target,target=/build/target,sharing=locked \
    find . -path ./target -prune -o -type f -exec touch {} + \
    && cargo build --profile dist --locked --package timedeal --features cloud --bins \
    && install -D --target-directory=/image/bin \
        target/dist/timedeal \
        target/dist/gateway \
        target/dist/order-worker \
        target/dist/projector \
    && install -d /image/keys /image/snapshots

# Has glibc of the release that the build ran on, libgcc, certificates and no shell.
FROM gcr.io/distroless/cc-debian12:nonroot

ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="timedeal" \
      org.opencontainers.image.description="Ordering for flash sales" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The OpenSSL in librdkafka was built elsewhere and does not know where this system's are.
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt

COPY --from=build /image/bin/ /usr/local/bin/
# A new volume takes the owner of the directory that it is mounted on.
COPY --from=build --chown=65532:65532 /image/keys /keys
COPY --from=build --chown=65532:65532 /image/snapshots /snapshots

# As a number, so that an orchestrator can see that it is not root.
USER 65532:65532
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
CMD ["timedeal", "--help"]
