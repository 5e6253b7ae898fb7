# One static binary and nothing else: `make image` builds it and calls this with what it knows.
# There is no shell, no file that can be written, and no user but a number: it runs with
# readOnlyRootFilesystem and under Pod Security "restricted". Port 443 wants a privilege that it
# does not have, unless the container runtime gives it to all (containerd 2 does): serve with
# --port=8443 or another above 1023.
FROM scratch
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="pod-identity-webhook" \
      org.opencontainers.image.description="Gives Kubernetes pods their AWS identity: IRSA and EKS Pod Identity" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# /pod-identity-webhook, /LICENSE, and /webhook: the Go webhook's name for it, which the manifests of
# its users spell out as `command`.
COPY --chown=0:0 root/ /
USER 65532:65532
ENTRYPOINT ["/pod-identity-webhook"]
