"""Where on a network a data set's pictures are: a folder's address, below which each is by its file name."""

from __future__ import annotations

import re
from typing import Any

from ckssd.errors import UsageError
from ckssd.secrets import public
from ckssd.values import bad_value

VARIABLE = "CK_ENV_DATASET_IMAGE_ADDRESS"
FORM = (
    "a folder's address with a slash at its end: https://HOST/…/, s3://BUCKET/…/, or others that fsspec knows"
)
# What follows a ? or # is part of a file's name elsewhere.
WEB = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?/(\?[^\s#]*)?", re.IGNORECASE)
OTHERS = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*://[^?#\t\r\n]*[^?#\t\r\n/][^?#\t\r\n]*/", re.IGNORECASE)
STORES = ("s3://", "s3a://")


def image_address(name: str, text: Any, expected: str = FORM) -> str:
    """The check of such an address; what comes back has no secrets, see ckssd.secrets.given."""
    address = str(text).strip()
    shown = public(address)
    if not (WEB.fullmatch(address) or OTHERS.fullmatch(address)):
        raise bad_value(name, expected, shown)
    if address.lower().startswith(STORES) and "@" in address:
        raise UsageError(
            "An address of S3 has no credentials in it",
            where=name,
            got=shown,
            advice="the nodes find them as Amazon's tools do: AWS_ACCESS_KEY_ID, ~/.aws, the machine's role",
        )
    return shown


def kept_image_address(name: str, text: Any) -> str:
    """The same for an address that an entry keeps: it can have no secrets at all."""
    address = str(text).strip()
    shown = image_address(name, address)
    if shown != address:
        raise UsageError(
            "An address that is kept has no secrets in it",
            where=name,
            got=shown,
            advice="name it with them when it is used: --cluster-images, CK_CLUSTER_IMAGES",
        )
    return shown
