# The image of hoptrail: `docker build -t hoptrail .`
FROM rust:1-bookworm AS build
WORKDIR /hoptrail
COPY . .
RUN cargo build --release --locked && strip target/release/hoptrail

FROM debian:bookworm-slim
# CA certificates, for amqps:// and for webhooks and management APIs behind https://.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 8673 --home-dir /var/lib/hoptrail --create-home hoptrail
COPY --from=build /hoptrail/target/release/hoptrail /usr/local/bin/hoptrail
COPY config.toml LICENSE /usr/share/doc/hoptrail/
USER hoptrail
WORKDIR /var/lib/hoptrail
# The journal, and in it the key of the masks. Give broker and rules by a configuration file, or by the environment.
ENV HOPTRAIL__JOURNAL__DIR=/var/lib/hoptrail/journal
# Inside a container loopback reaches nobody. There is no login: publish the port to those who may read the records only.
ENV HOPTRAIL__SERVE__LISTEN=0.0.0.0:8673
# The proxy, where proxy.enabled switches it on.
ENV HOPTRAIL__PROXY__LISTEN=0.0.0.0:5673
VOLUME /var/lib/hoptrail
EXPOSE 8673 5673
# Answers as long as the process does; whether it records is /readyz, for which a restart is no cure.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["hoptrail", "coverage", "--output", "json"]
ENTRYPOINT ["hoptrail"]
CMD ["run"]
