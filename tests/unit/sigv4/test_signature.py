"""`onread.sigv4.signature`: the key chain and the comparison."""

from onread.sigv4.signature import is_equal, sign_text, signing_key


def test_the_published_signing_key():
    # AWS General Reference, "Examples of how to derive a signing key for Signature Version 4".
    key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215", "us-east-1", "iam")
    assert key.hex() == "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"


def test_keys_are_kept_within_bounds():
    assert signing_key.cache_info().maxsize == 4096


def test_signatures_are_compared_whole():
    signature = sign_text(b"key", "text")
    assert len(signature) == 64
    assert is_equal(signature, signature)
    assert not is_equal(signature, signature[:-1])
    assert not is_equal(signature, signature.upper())
    assert not is_equal(signature, "²" * 64)
