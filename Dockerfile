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
# The journal, with the key of the masks in it. A configuration file or the environment sets the broker and the rules.
ENV HOPTRAIL__JOURNAL__DIR=/var/lib/hoptrail/journal
# Nobody reaches loopback inside a container. There is no login, so publish the port only to people who may read the
# records.
ENV HOPTRAIL__SERVE__LISTEN=0.0.0.0:8673
# The proxy, if proxy.enabled is true.
ENV HOPTRAIL__PROXY__LISTEN=0.0.0.0:5673
VOLUME /var/lib/hoptrail
EXPOSE 8673 5673
# The check passes while the process answers. /readyz says whether it records, which no restart can cure.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["hoptrail", "coverage", "--output", "json"]
ENTRYPOINT ["hoptrail"]
CMD ["run"]
