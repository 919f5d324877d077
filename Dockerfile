# Lookalike in a container: API, page and workers are the same image with another command (docker-compose.yml).
#   docker build --target cpu -t lookalike:0.1.0 .        docker build --target gpu -t lookalike:0.1.0-gpu .
# The packages are those of requirements/stack.txt, exact versions with hashes; what needs a compiler is built apart.

FROM python:3.11.13-slim-bookworm AS built
WORKDIR /build
RUN python -m venv /opt/lookalike
ENV PATH=/opt/lookalike/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/stack.txt requirements/
RUN pip install --require-hashes -r requirements/stack.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY lookalike lookalike
COPY ingest ingest
COPY query_api query_api
COPY workers workers
COPY frontend frontend
COPY mappings mappings
RUN pip install --no-deps --no-build-isolation . && python -m compileall -q /opt/lookalike

FROM python:3.11.13-slim-bookworm AS cpu
RUN groupadd --gid 10001 lookalike && useradd --uid 10001 --gid lookalike --home-dir /var/lib/lookalike --shell /usr/sbin/nologin lookalike \
 && install -d -o lookalike -g lookalike /var/lib/lookalike /var/cache/lookalike
COPY --from=built /opt/lookalike /opt/lookalike
ENV PATH=/opt/lookalike/bin:$PATH PYTHONUNBUFFERED=1 XDG_DATA_HOME=/var/lib LOOKALIKE_CACHE_DIR=/var/cache/lookalike
WORKDIR /var/lib/lookalike
USER 10001:10001
EXPOSE 8080
CMD ["lookalike", "serve", "--host", "0.0.0.0"]

# CUDA and cuDNN as NVIDIA's Python packages, which ONNX Runtime loads itself; the host has the driver and its container toolkit.
FROM cpu AS gpu
USER 0:0
COPY requirements/gpu.txt /tmp/gpu.txt
RUN pip uninstall --yes onnxruntime && pip install --no-cache-dir --no-deps --require-hashes -r /tmp/gpu.txt && rm /tmp/gpu.txt
USER 10001:10001
