"""What every PictureStore promises."""

import pytest

from lookalike.domain.picture import digest_of
from lookalike.domain.reasons import PictureReason
from lookalike.errors import PictureUnavailable
from lookalike.ports.pictures import PictureStore


class PictureStoreContract:
    """`make_store` gives an empty store that takes nothing from strangers but http(s), data: and what it kept."""

    def make_store(self) -> PictureStore:
        """A store; for tests that need a place, override a fixture and keep the place in `self`."""
        raise NotImplementedError

    def test_what_is_kept_can_be_fetched(self) -> None:
        """`keep` names bytes by their digest, and `fetch` of that name gives them back."""
        store = self.make_store()
        reference = store.keep(b"some bytes")
        assert reference == f"stored:{digest_of(b'some bytes')}"
        assert store.fetch(reference) == b"some bytes"

    def test_the_same_bytes_are_kept_once(self) -> None:
        """Keeping is idempotent; forgetting once is forgetting."""
        store = self.make_store()
        assert store.keep(b"x" * 1000) == store.keep(b"x" * 1000)
        store.forget(store.keep(b"x" * 1000))
        with pytest.raises(PictureUnavailable):
            store.fetch(f"stored:{digest_of(b'x' * 1000)}")

    def test_forgetting_what_is_not_there_is_nothing(self) -> None:
        """No error, whatever the name."""
        for name in (f"stored:{'0' * 64}", "stored:", "nonsense", ""):
            self.make_store().forget(name)

    def test_data_urls_are_decoded_strictly(self) -> None:
        """Base64 or percent-encoded; what is neither is refused with a reason."""
        store = self.make_store()
        assert store.fetch("data:image/png;base64,aGVsbG8=") == b"hello"
        assert store.fetch("DATA:;base64,aGVsbG8=") == b"hello"
        for bad in ("data:image/png;base64,a*b=", "data:image/png;base64,aGVsbG8", "data:text/html,x", "data:", "data:image/png;base64,"):
            with pytest.raises(PictureUnavailable) as caught:
                store.fetch(bad)
            assert caught.value.reason == "bad_reference"

    @pytest.mark.parametrize(
        "reference",
        [
            *("", " ", "x" * 9000, "\0", "stored:", "stored:../../etc/passwd", f"stored:{'0' * 64}", f"stored:{'A' * 64}"),
            *(
                "/etc/passwd",
                "../../etc/passwd",
                "file:///etc/passwd",
                "ftp://example.com/x.jpg",
                "jar:http://127.0.0.1/x",
                "//127.0.0.1/x",
            ),
            *("http://127.0.0.1/x.jpg", "HTTP://[::1]/x.jpg", "http://localhost/x.jpg", "http://169.254.169.254/latest/meta-data/"),
            *(
                "http://user:pw@127.0.0.1/x",
                "http://0x7f.1/x",
                "http://[::ffff:127.0.0.1]/x",
                "http://",
                "http:/x",
                "http://[",
                "http://\0/",
            ),
        ],
    )
    def test_what_is_not_there_or_not_allowed_has_a_reason(self, reference: str) -> None:
        """Any text at all: PictureUnavailable with a known reason and a sentence."""
        with pytest.raises(PictureUnavailable) as caught:
            self.make_store().fetch(reference)
        assert caught.value.reason in list(PictureReason)
        assert str(caught.value)
