"""Public data sets that can be fetched: where they are, their licence, what each file must be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Files of one commit of a public repository.

    `blobs`: file name -> git's id of its content, sha1("blob <size>\\0" + content), which a commit
    fixes; names are those of the folder layout that a training reads.
    """

    name: str
    what: str
    repository: str
    commit: str
    folder: str
    licence: str
    blobs: dict[str, str]

    def path(self, file: str) -> str:
        """Return where a file is below a server of raw files."""
        return f"{self.repository}/{self.commit}/{self.folder}/{file}"

    def readme(self) -> str:
        """Return the page that is written beside the files."""
        page = f"https://github.com/{self.repository}"
        files = "".join(f"- {name}, git blob {blob}\n" for name, blob in self.blobs.items())
        return (
            f"# {self.name}\n\n{self.what}\n\n"
            f"Source: {page}, commit {self.commit}, folder {self.folder}.\n"
            f"Licence: {self.licence}; its text: {page}/blob/{self.commit}/LICENSE\n\n"
            f"{files}\n"
            f"The files are unchanged: `titlekit data fetch {self.name}` verified each of them.\n"
        )


SOURCES = {
    "citeseer": Source(
        "citeseer",
        "Titles that a program extracted from papers of CiteSeer: correctly (positive_train.txt) "
        "and wrongly (negative_train.txt), one a line; and 1,000 test rows (testSet-1000.xlsx).",
        "RaySoon/CUFE-Information-Retrieval-Course-Project-2",
        "d4c2465b64eb917ebb81571438cba15049c700c1",
        "DATA",
        "MIT, Copyright (c) 2018 RaySoon",
        {
            "positive_train.txt": "ee9bde1e992152670d865bc3d231cbfc95b6c32c",
            "negative_train.txt": "18a071aa95dd8975fe1021502053ee01f3d6d97a",
            "testSet-1000.xlsx": "873f512e9936cedc5c76fbe523fd2ec91c6aa030",
        },
    )
}
