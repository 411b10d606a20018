"""A round of federated averaging over gRPC on loopback: one server, a process per participant.

A participant writes each layer with numpy.save and streams the bytes in messages of 1 MiB; the
server reads them back with numpy.load, and when all are there averages them (average.py). Prints
one JSON object: {"seconds": [one per repeat], "grpc": version}. A repeat is timed from the moment
when all participants have their update in memory and a connection that is ready, to the moment
when the average is there. With --certificate and --key the same over TLS.
"""

import argparse
import concurrent.futures
import io
import json
import multiprocessing
import time

import grpc
import numpy as np

import average

PIECE_BYTES = 1 << 20
METHOD = "/bench.Round/Submit"


def write_update(layers, examples):
    """The bytes of an update: its number of examples, then each layer's length and bytes."""
    out = io.BytesIO()
    out.write(examples.to_bytes(8, "big"))
    for layer in layers:
        one = io.BytesIO()
        np.save(one, layer, allow_pickle=False)
        out.write(one.getbuffer().nbytes.to_bytes(8, "big"))
        out.write(one.getbuffer())
    return out.getbuffer()


def read_update(data):
    examples = int.from_bytes(data[:8], "big")
    layers = []
    at = 8
    while at < len(data):
        size = int.from_bytes(data[at:at + 8], "big")
        layers.append(np.load(io.BytesIO(data[at + 8:at + 8 + size]), allow_pickle=False))
        at += 8 + size
    return layers, examples


class Server(grpc.GenericRpcHandler):
    def __init__(self):
        self.updates = []

    def service(self, handler_call_details):
        return grpc.stream_unary_rpc_method_handler(self._submit)

    def _submit(self, pieces, context):
        self.updates.append(read_update(b"".join(pieces)))
        return b""


def participant(index, arguments, port, barrier):
    layers, examples = average.make_updates(arguments.participants, arguments.bytes)[index]
    if arguments.certificate:
        with open(arguments.certificate, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        channel = grpc.secure_channel(f"localhost:{port}", credentials)
    else:
        channel = grpc.insecure_channel(f"localhost:{port}")
    grpc.channel_ready_future(channel).result()
    submit = channel.stream_unary(METHOD)

    def pieces():
        data = write_update(layers, examples)
        for at in range(0, len(data), PIECE_BYTES):
            yield bytes(data[at:at + PIECE_BYTES])

    for _ in range(arguments.repeats):
        barrier.wait()  # all begin
        submit(pieces())
        barrier.wait()  # all are done
        barrier.wait()  # the average is made


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, required=True)
    parser.add_argument("--bytes", type=int, required=True, help="of one update, float32")
    parser.add_argument("--repeats", type=int, required=True)
    parser.add_argument("--certificate", help="PEM, for localhost; with --key: over TLS")
    parser.add_argument("--key", help="PEM")
    arguments = parser.parse_args()

    handler = Server()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(arguments.participants))
    server.add_generic_rpc_handlers((handler,))
    if arguments.certificate:
        with open(arguments.key, "rb") as key, open(arguments.certificate, "rb") as certificate:
            credentials = grpc.ssl_server_credentials([(key.read(), certificate.read())])
        port = server.add_secure_port("localhost:0", credentials)
    else:
        port = server.add_insecure_port("localhost:0")
    server.start()

    # Not forked: gRPC does not survive it.
    processes = multiprocessing.get_context("spawn")
    barrier = processes.Barrier(arguments.participants + 1)
    participants = [
        processes.Process(target=participant, args=(i, arguments, port, barrier))
        for i in range(arguments.participants)
    ]
    for process in participants:
        process.start()
    seconds = []
    for _ in range(arguments.repeats):
        handler.updates.clear()
        barrier.wait()
        start = time.perf_counter()
        barrier.wait()
        average.average(handler.updates)
        seconds.append(time.perf_counter() - start)
        barrier.wait()
    for process in participants:
        process.join()
    server.stop(None)
    print(json.dumps({"seconds": seconds, "grpc": grpc.__version__}))


if __name__ == "__main__":
    main()
