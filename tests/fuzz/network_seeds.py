# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Seeds of the targets that read networks: specifications, models, files of other programs, checkpoints."""
import json

from seed_files import le, seed, text


def spec(name="t", decision=None, **changes):
    layers = [{"kind": "convolution", "in": 1, "out": 2, "kernel": [3, 3], "stride": [1, 1], "padding": [0, 0], "bias": True},
              {"kind": "relu"}, {"kind": "max_pooling", "window": [2, 2], "stride": [2, 2], "ceil": True}]
    whole = {"version": 1, "name": name, "summary": "s", "input": [8, 8], "minimum_input": [1, 1],
             "normalisation": {"scale": 0.1, "subtract_mean": True, "divide_deviation": True, "deviation_epsilon": 1e-6},
             "coupling": "siamese", "streams": [{"view": "whole", "layers": layers}],
             "decision": decision or {"kind": "l2", "normalise": True}}
    whole.update(changes)
    return whole


HEAD = {"kind": "layers", "layers": [{"kind": "linear", "in": 36, "out": 3}, {"kind": "relu"}, {"kind": "linear", "in": 3, "out": 1}]}
SPECS = {
    "l2": spec(),
    "cosine-tanh": spec(streams=[{"view": "whole", "layers": [
        {"kind": "convolution", "in": 1, "out": 3, "kernel": [3, 2], "stride": [2, 1], "padding": [1, 0], "bias": False},
        {"kind": "batch_normalisation", "channels": 3, "epsilon": 1e-5, "affine": True}, {"kind": "tanh"},
        {"kind": "average_pooling", "window": [2, 2], "stride": [2, 2]},
        {"kind": "subsampling", "channels": 3, "window": [1, 1]}]}], decision={"kind": "cosine"}),
    "head": spec(decision=HEAD),
    "any-size": spec(input="any", streams=[{"view": "whole", "layers": [
        {"kind": "convolution", "in": 1, "out": 2, "kernel": [3, 3]}, {"kind": "spatial_pyramid", "levels": [2, 1]}]}],
        minimum_input=[5, 5], decision={"kind": "l1"}),
    "two-channel": spec(coupling="two_channel", streams=[{"view": "whole", "layers": [
        {"kind": "convolution", "in": 2, "out": 2, "kernel": [3, 3]}, {"kind": "relu"}]}],
        decision={"kind": "layers", "layers": [{"kind": "linear", "in": 72, "out": 1}]}),
    "two-streams": spec(input=[16, 16], streams=[
        {"view": view, "layers": [{"kind": "convolution", "in": 1, "out": 2, "kernel": [3, 3]}]} for view in ("centre", "half")]),
}


def safetensors(tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, (dtype, shape, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    packed = json.dumps(header).encode()
    packed += b" " * (-len(packed) % 8)
    return le("Q", len(packed)) + packed + data


def torch_files():
    """Pickles, protocol 2, as the bodies of files of torch.save; a whole archive with a zip64 record; a map."""
    def word(value):
        return b"X" + le("i", len(value)) + value

    def tensor(key, *shape):
        count = 1
        for size in shape:
            count *= size
        strides = {1: (1,), 2: (shape[-1], 1)}[len(shape)]
        numbers = [b"(" + b"".join(b"K" + bytes([n]) for n in some) + b"t" for some in (shape, strides)]
        return (b"ctorch._utils\n_rebuild_tensor_v2\n((" + word(b"storage") + b"ctorch\nFloatStorage\n" + word(key) +
                word(b"cpu") + b"K" + bytes([count]) + b"tQK\0" + numbers[0] + numbers[1] + b"\x89ccollections\nOrderedDict\n)RtR")
    entries = word(b"w.weight") + tensor(b"0", 2, 16) + word(b"w.bias") + tensor(b"1", 2)
    body = b"ccollections\nOrderedDict\n)R(" + entries + b"u}" + word(b"_metadata") + b"}sb"
    seed("torch_file", "archive", b"\1" + body)
    seed("torch_file", "legacy", b"\2" + body)
    seed("torch_file", "checkpoint", b"\1}(" + word(b"epoch") + b"K\1" + word(b"state_dict") + body + b"u")
    seed("torch_file", "python2", b"\1ccollections\nOrderedDict\n](](U\1w" + tensor(b"0", 2, 16) + b"ee\x85R")
    seed("torch_file", "code", b"\1cos\nsystem\nU\2id\x85R")
    seed("torch_file", "itself", b"\1}q\1(U\1ah\1u")
    seed("torch_file", "map", b"\3branch.0.0.weight w # one\nbranch.0.0.bias b\n")
    pickled = b"\x80\2}" + word(b"t") + tensor(b"0", 2) + b"s."
    files = b""
    directory = b""
    for name, content in ((b"a/data.pkl", pickled), (b"a/data/0", le("2f", 1, 2))):
        extra = le("HHQQQ", 1, 24, len(content), len(content), len(files))
        head = le("IIIHH", 0, 2**32 - 1, 2**32 - 1, len(name), len(extra))
        directory += b"PK\1\2" + bytes(12) + head + bytes(10) + le("I", 2**32 - 1) + name + extra
        files += b"PK\3\4" + bytes(10) + le("IIIHH", 0, len(content), len(content), len(name), 0) + name + content
    end64 = b"PK\6\6" + le("QHHIIQQQQ", 44, 45, 45, 0, 0, 2, 2, len(directory), len(files))
    locator = b"PK\6\7" + le("IQI", 0, len(files) + len(directory), 1)
    end = b"PK\5\6" + le("HHHHIIH", 0, 0, 2, 2, 2**32 - 1, 2**32 - 1, 0)
    seed("torch_file", "zip64", b"\0" + files + directory + end64 + locator + end)


def onnx():
    def varint(value):
        value %= 2**64
        out = b""
        while value >= 128:
            out += bytes([value & 127 | 128])
            value >>= 7
        return out + bytes([value])

    def integer(number, value):
        return varint(number << 3) + varint(value)

    def message(number, content):
        return varint(number << 3 | 2) + varint(len(content)) + content

    def tensor(name, shape, values):
        return message(5, b"".join(integer(1, n) for n in shape) + integer(2, 1) + message(8, name) +
                       message(9, le(f"{len(values)}f", *values)))

    def node(kind, inputs, output, attributes=b""):
        return message(1, b"".join(message(1, i) for i in inputs) + message(2, output) + message(3, b"n_" + output) +
                       message(4, kind) + attributes)

    def ints(name, values):
        return message(5, message(1, name) + b"".join(integer(8, v) for v in values) + integer(20, 7))
    one = message(5, message(1, b"transB") + integer(3, 1) + integer(20, 2))
    sizes = b"".join(message(1, integer(1, n)) for n in (1, 1, 4, 4))
    put = message(11, message(1, b"x") + message(2, message(1, integer(1, 1) + message(2, sizes))))
    constants = (tensor(b"w", [2, 1, 3, 3], range(18)) + tensor(b"b", [2], [1, 2]) + tensor(b"m", [2, 8], range(16)) +
                 tensor(b"c", [2], [3, 4]))
    nodes = (node(b"Conv", [b"x", b"w", b"b"], b"1", ints(b"strides", [1, 1]) + ints(b"pads", [0, 0, 0, 0])) +
             node(b"Relu", [b"1"], b"2") + node(b"Flatten", [b"2"], b"3") + node(b"Gemm", [b"3", b"m", b"c"], b"y", one))
    graph = nodes + message(2, b"g") + constants + put + message(12, message(1, b"y"))
    whole = integer(1, 8) + message(2, b"t") + message(7, graph) + message(8, integer(2, 13))
    seed("onnx", "chain", whole)
    seed("onnx", "other-operator", whole.replace(b"Relu", b"Selu"))
    seed("onnx", "metadata", whole + message(14, message(1, b"k") + message(2, b"v")))
    seed("onnx", "endless", integer(1, 8) + b"\x3a" + b"\xff" * 11)


def models():
    for name, value in SPECS.items():
        seed("spec", name + ".json", json.dumps(value))
    weights = {"branch.0.0.weight": ("F32", [2, 1, 3, 3], le("18f", *range(18))), "branch.0.0.bias": ("F16", [2], le("2e", 1, 2))}
    metadata = {"twinpatch.network": json.dumps(SPECS["l2"]), "calibration": '{"scale": -1, "offset": 2}'}
    seed("model", "l2.safetensors", safetensors(weights, metadata))
    seed("model", "bf16-i8.safetensors", safetensors({"a": ("BF16", [2], b"\0\0\x80\x3f"), "b": ("I8", [2, 2], b"\1\2\3\4"),
                                                      "c": ("F32", [0, 5], b"")}, {"k": "v"}))
    seed("model", "empty.safetensors", safetensors({}, {}))

    # Torch7: a number, a text, a table, objects; a tensor of two values.
    t7 = le("ii", 4, 1) + text("V 1") + text("nn.Sequential") + le("iii", 3, 2, 1) + le("i", 2) + text("modules")
    tensor = (le("ii", 4, 5) + text("V 1") + text("torch.FloatTensor") + le("iqqqqq", 2, 1, 2, 2, 1, 1) + le("ii", 4, 6) +
              text("V 1") + text("torch.FloatStorage") + le("qff", 2, 0.5, 1.5))
    linear = (le("ii", 4, 4) + text("V 1") + text("nn.Linear") + le("iii", 3, 7, 1) + le("i", 2) + text("weight") + tensor)
    seed("import", "sequential.t7", b"\0" + t7 + le("iii", 3, 3, 2) + le("id", 1, 1) + linear + le("id", 1, 2) +
         le("ii", 4, 8) + text("V 1") + text("nn.ReLU") + le("iii", 3, 9, 0))
    seed("import", "siam.bin", b"\1" + text("siam_desc") + le("iii", 1, 4704, 96) + bytes(200))
    seed("import", "golden.bin", b"\2" + le("ii", 1, 1) + bytes(64))
    seed("import", "any.t7", b"\3" + t7)
    seed("import", "whole.t7", b"\4\1\0")
    seed("import", "whole.bin", b"\4\0\0")
    seed("import", "damaged.t7", b"\4\1\2" + le("HBBHBBB", 20, 0, 255, 9, 3, 7, 0))
    seed("import", "cut-off.bin", b"\4\0\0\3" + le("I", 70000))
    torch_files()
    onnx()
    plan = {"twinpatch_plan": 1, "key": "key", "microseconds": 12.5, "stages": [{"parts": 1, "plan": "p"}]}
    value = 0xCBF29CE484222325
    for part in ("key", "1", "p"):
        for byte in part.encode():
            value = (value ^ byte) * 0x100000001B3 % 2**64
        value = (value ^ 0xFF) * 0x100000001B3 % 2**64
    seed("tuned_plan", "good.json", json.dumps({**plan, "checksum": f"{value:016x}"}))
    seed("tuned_plan", "bad.json", json.dumps({**plan, "checksum": "0"}))
    head = {"step": 3, "seconds": 1.5, "loss_sum": 2.0, "loss_count": 1, "best_step": -1, "validations_since_best": 0,
            "done": False, "history": [{"step": 1, "seconds": 1, "loss": 0.5, "rate": 0.1,
                                        "scenes": [{"scene": "s", "fpr95": 0.1, "auc": 0.9, "matching": 0.5}]}]}
    for name, rate in (("same", 0.1), ("other", 0.2)):
        configuration = json.dumps({"options": {"rate": rate, "steps": 5}})
        seed("checkpoint", name + ".safetensors", safetensors(
            {"weights/a": ("F32", [1], le("f", 1)), "optimiser/b": ("F32", [1], le("f", 2))},
            {"twinpatch.checkpoint": json.dumps(head), "twinpatch.configuration": configuration}))
