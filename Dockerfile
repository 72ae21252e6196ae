# Builds Yardmaster from this checkout, and puts the one binary and what sessions need into a small image:
#
#   docker build -t yardmaster .
#   docker run --privileged -p 8080:8080 -v yardmaster:/var/lib/yardmaster yardmaster
#
# Without --privileged no namespaces and control groups can be made, so that no session starts; the Agents page says so.
FROM rust:1.95-bookworm AS build
# `npm` brings wasm-opt.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends nodejs npm \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY app app
COPY frontend frontend
COPY server server
COPY xtask xtask
COPY style style
COPY public public
COPY end2end/package.json end2end/package-lock.json end2end/
RUN cargo xtask build --release

FROM debian:bookworm-slim
# Lets the server check the certificates of a mail server and of other hosts.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/server-release/yardmaster /usr/local/bin/yardmaster
ENV YARDMASTER_DATA=/var/lib/yardmaster YARDMASTER_LISTEN=0.0.0.0:8080
VOLUME /var/lib/yardmaster
EXPOSE 8080
# Sessions end with the container: their processes are in it.
STOPSIGNAL SIGTERM
ENTRYPOINT ["yardmaster"]
CMD ["serve"]
