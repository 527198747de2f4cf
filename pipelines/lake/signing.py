"""Signs the heads of this machine with its key (Ed25519), and checks those of others: a person who can write to a lake,
but has not the machine's data directory, cannot state anything in its name.
"""

from dataclasses import replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pipelines.lake.keys import MachineHead


def signed(head: MachineHead, key: bytes, lake_id: str) -> MachineHead:
    """Return a head with a signature for one lake, and the public half of the `key` (32 bytes)."""
    private = Ed25519PrivateKey.from_private_bytes(key)
    named = replace(head, signer=private.public_key().public_bytes_raw().hex())
    return replace(named, signature=private.sign(named.signed_bytes(lake_id)).hex())


def is_signed(head: MachineHead, lake_id: str) -> bool:
    """Whether the key that a head names has signed it for this lake."""
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(head.signer))
        public.verify(bytes.fromhex(head.signature), head.signed_bytes(lake_id))
    except (InvalidSignature, ValueError):
        return False
    return True


def signer_of(key: bytes) -> str:
    """Return the public half of a key, in hex."""
    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw().hex()
