"""Kinds of wrong titles: their names, their shares, and how they are written.

``{whole}`` stands for the good title that a row is made from, ``{other}`` for a second one;
``{front}``, ``{open}``, ``{dotted}``, ``{broken}``, ``{back}``, ``{back_open}``, ``{middle}``,
``{single}`` and ``{misread}`` for what is left of the first.
"""

from __future__ import annotations

from .draw import words

CORRECT = "correct"
PLAUSIBLE = "plausible"

# Kind and its share of the wrong rows in per cent. The shares follow what readers of real exports
# find; "plausible" reads like a title, and keeps a perfect score out of reach.
SHARES = (
    (PLAUSIBLE, 2),
    ("cut off", 18),
    ("beginning lost", 7),
    ("few words", 6),
    ("single word", 5),
    ("header glued on", 18),
    ("abstract glued on", 10),
    ("authors glued on", 3),
    ("two titles", 1),
    ("citation", 11),
    ("header", 4),
    ("heading", 5),
    ("authors", 3),
    ("affiliation", 1),
    ("contact", 1),
    ("sentence", 1),
    ("contents", 1),
    ("number", 1),
    ("date", 1),
    ("damaged", 1),
)  # fmt: skip

FAULTS = {
    PLAUSIBLE: ("{main_part}", "{subtitle_alone}", "{without_first}", "{crossed}", "{crossed}"),
    "cut off": words("""{front} | {front} | {front} | {open} | {open} | {open} | {dotted} |
        {dotted} | {broken} | {open} {dash}"""),
    "beginning lost": words("""{back} | {back} | {back_open} | {back_open} | {back} {footnote}
        | {back_open}. | {back}. | {back} {author_line}"""),
    "few words": words("""{middle} | {middle} | {middle} | {middle}, | {middle}. | {middle},
        {middle} | {single}, {single} | {single}, {single} | {single} and | and {single} |
        {single} {single} | {digit}.{digit} {middle} | for {middle} | of {middle}"""),
    "single word": words("""{single} | {single} | {single} | {single} | {single} | {single}, |
        {single}. | {letter} | {digit} | and | AND | The | of | {stray_word}"""),
    "header glued on": words("""{running_head} {whole} | {running_head} {whole} |
        {running_head} {whole} | {running_head} {front} | {whole} {running_head} | {report}
        {whole} | {notice} {whole} | {notice} {whole} | {tag} {whole} | {tag} {whole} | {tag}
        {whole} | {the_day} {whole} | {doi} {whole} | {doi} {whole} | {doi} {tag} {whole} |
        {whole} {doi} | {notice} {front} | {whole} {page} | {page} {whole} | {whole}
        ({venue_short} {year}) | {running_head} {doi} {whole} | {whole} {notice} | {tag}
        {front} | {running_head} {open} | {digit} {section} {whole} | {proceedings} {whole} |
        {proceedings} {whole} | {journal_caps} {digit} {whole} | {journal} manuscript No.
        (will be inserted by the editor) {whole} | {section} {whole} | {venue_short} {year}
        {whole} | {phone} {whole} | {institution} {whole} | {theme} {whole} | {department}
        {whole} | {issn} {whole} | {initial}. {last} and {initial}. {last} (Editors) {whole} |
        {whole} Supervisors: | {journal} {whole} | {society} {whole} | {whole} {journal} |
        {publisher} {whole} | Running head: {back} {whole}"""),
    "abstract glued on": words("""{whole} Abstract | {whole} ABSTRACT | {whole} Abstract |
        Abstract {whole} | ABSTRACT {whole} | Abstract {whole} | Abstract {whole} | ABSTRACT
        {whole} | {whole} (Extended Abstract) | {whole} (Extended Abstract) | {whole} Extended
        Abstract | {whole} Extended abstract | {whole} Abstract {body} | {whole} Abstract.
        {body} | {whole} {author_line} Abstract {body} | {whole} Summary | {whole} {footnote}
        ABSTRACT | {front} Abstract | Abstract {front} | {whole} Contents | {whole} Keywords:
        | Summary {whole} | Abstract. {whole} | {whole} (Abstract) | {whole} {section} |
        Abstract {open} | {whole} (Short Paper) | {whole} (Preliminary Version) | {whole}
        (Draft)"""),
    "authors glued on": words("""{whole} {author_line} | {whole} {author} | {whole} by
        {author} | {author_line} {whole} | {author}: {whole} | {whole} {author_line}
        {department} | {whole} {author} {email} | {whole} {institution} | {whole} {footnote}
        {author_line} | {front} {author_line} {back} | {whole} Supervisor: {author} |
        {author}, {whole} | {whole} {footnote} {author}, {institution}, | {whole}
        {author_line}"""),
    "two titles": words("""{whole} {other} | {whole}. {other} | {front} {other} | {back}
        {other} | {whole} {whole} | {other}, {whole}"""),
    "citation": words("""{cited_tail} {whole} | {cited_tail} {whole} | {cited_tail} {whole} |
        {cited_tail} {whole} | {cited_tail} {front} | {authors_cited}: {whole}. In:
        {proceedings}, pp. {pages} ({year}) | [{num}] {authors_cited}. {whole}. {journal},
        {num}({digit}):{pages}, {year}. | {authors_cited} ({year}). {whole}. {journal} {num},
        {pages} | {whole}. {journal}, {num}({digit}):{pages} | {whole}. In Proc.
        {venue_short}, {year} | {whole}{closing} {journal}, vol. {num}, pp. {pages}, {year} |
        {whole}. PhD thesis, {institution} | {authors_cited}. {whole} | {whole}{closing} in
        {proceedings} | {whole}, {journal} | {authors_cited} ({year}) {whole} | {whole},
        {journal_short} {num} | {whole}. {venue_short} | {whole}. {journal} | {whole}{closing}
        in | {whole}{closing} | {whole}, in {venue_short} {year} | {whole}. {submitted} |
        {whole}, {submitted} | {whole}, {journal_short} | {whole}{closing} {submitted} |
        {cited_tail} {whole}{closing} {journal} | {code}{short_year} {initial}. {last}.
        {whole} | {whole}. in {journal} | {whole}, {publisher} | {whole}. Technical Report
        {code}-{short_year}-{num} | {back}{closing} {journal} | {back}. {journal},"""),
    "header": words("""{proceedings} | {proceedings}, pp. {pages} | {proceedings}, {town},
        {month} {year}, pages {pages} | {journal_caps}, {volume} | {journal}, {volume} |
        {journal} {volume} | {page} {journal_caps} | {journal_caps} {page} | {author} et al. /
        {journal} {num} ({year}) {pages} | {venue_short} {year}, {month} {day}, {year}, {town}
        | {ordinal} {meeting} on {theme} | {venue_short}'{short_year} | ORIGINAL PAPER |
        RESEARCH ARTICLE | {journal} | {journal} | Lecture Notes in {theme} {digit} | Lecture
        Notes in {theme}, Vol. {page} | {journal} {notice} | {journal} {doi} {tag} |
        {venue_short} {year} | {tag} | {notice} | {doi} {tag} | {journal_caps}, IN PRESS
        {digit} | {publisher} | {journal} {publisher}"""),
    "heading": words("""{section} | {section} | {section} | {section} | {digit} {section} |
        {digit}. {section} | {digit}.{digit} {section} | {digit}.{digit}.{digit} {section} |
        Appendix {letter}: {section} | Chapter {digit} {section} | {digit}.{digit} {middle} |
        {digit} {middle} | {roman}. {section} | General Terms {single} | Keywords: {single},
        {single} | Categories and Subject Descriptors {letter}.{digit}.{digit} [{middle}] |
        {letter}. {section} | Lecture {num}: {middle} | Outline {middle} | Slide {num}
        {section} | {section} {digit} | Figure {digit}: {whole} | Fig. {num}. {middle} | Table
        {digit}. {middle} | TABLE {digit} {whole} | Algorithm {digit} {middle} | Theorem
        {digit}. {middle}"""),
    "authors": words("""{author_line} | {author_line} | {author_line} | {author},
        {institution} | {author} {department}, {institution} | {author} {email} | {author} and
        {author} {email} | {author_line} {institution} | {author}*, {author}† | by {author} |
        Dr. {author} | {author_line} {department} | {author} | {author}, | Thesis advisor:
        {author} | Prof. {author} | Edited by {author} and {author} | Supervisors: {author} |
        {last} {initial}."""),
    "affiliation": words("""{department}, {institution} | {department}, {institution}, {town}
        | {institution}, P.O. Box {page}, {zip} {town} | {page} {last} Street, {town}, {zip} |
        {institution} | {department} | {institution}, {country} | {laboratory}, {town} {zip} |
        {institution}, | {theme}, | {town}, {country}, | CH-{page} {town} | {department},"""),
    "contact": words("""{email} | {institution} {email} | *Corresponding author: {email} |
        {phone} | http://www.{host}/~{lowlast}/papers.html | Corresponding author | E-mail:
        {email} | {author} ({email}) | www.{host} | {initial}.{last}@{host}, {email} | {town}
        {phone} | * To whom correspondence should be addressed"""),
    "sentence": words("""Abstract. {body} | Abstract {body} | Abstract: {body} | {body} |
        {body} | {clause} | {clause} | 1. INTRODUCTION {body} | {clause}. {body} | {rights} |
        {rights}"""),
    "contents": words("""{section} {dots} {page} | {digit} {section} {dots} {num}
        {digit}.{digit} {section} {dots} {num} | Contents 1 Introduction {dots} {digit} |
        {digit}.{digit} {middle} {dots} {num} | CHAPTER {digit}. {whole} {dots} {page} | Table
        of Contents {section} {dots} {digit} | List of Figures {dots} iv {section} {dots}
        {page} | {whole} {dots} {page} | Contents 1 {whole} {digit} | Contents {whole} {page}
        {other} {page} | {whole} {page} {other}"""),
    "number": words("""{report} | {report} | {doi} | {doi} | {issn} | {code}
        {page}-{zip}/{short_year} $ {digit}.00 | {page} | arXiv:{page}.{page}v{digit} |
        {code}-{num} | Deliverable D{digit}.{digit} | Project {code} {zip} | {letter}{num}
        {digit}.{digit}.{digit}"""),
    "date": words("""{month} {day}, {year} | {day} {month} {year} | {month} {year} | Received
        {month} {day}, {year}; revised {month} {year} | Draft of {day} {month} {year} | Last
        modified: {day}/{digit}/{year} | Version {digit}.{digit}, {month} {year} | {town},
        {month} {day}-{num}, {year} | {date_iso} | (Received {month} {day}, {year})"""),
    "damaged": ("{misread}", "{misread}", "{misread}", "{misread} {misread}"),
}  # fmt: skip

# What the kinds above are written with.
PARTS = {
    "running_head": words("""{proceedings} | {journal_caps}, {volume} | {journal}, {volume} |
        {journal} {volume} | {journal_caps} {page} | {page} {journal_caps} | {journal} |
        {journal} {doi} | {journal_caps}, {volume} {digit} | {copyright} {year} {publisher} |
        {copyright} {year} {publisher}. Printed in {country}. | {copyright} {year}
        {publisher}. Manufactured in {country}. | Lecture Notes in {theme} {digit} | {author}
        et al. / {journal} {volume} | {venue_short} {year} | {venue_short}'{short_year},
        {town}, {country} | {journal_short} {num} ({year}) {pages} | {journal_short} {num},
        {pages} | {month} {year}, Vol. {num}, No. {digit}, pp. {pages} | {journal} (
        {copyright} {year}) {doi} | {journal_short} {doi} {tag} | Article No. {code_low}{zip}
        | ARTICLE NO. {page} | {journal_caps} {tag} {doi} | {society} {year} Preliminary
        Version | {month} {day}, {year} {num}:{num} {code} {code_low}{num}"""),
    "report": words("""Technical Report No. {page} | Technical Report {code}-{year}-{num} |
        {code}-TR-{short_year}-{num} | TECHNICAL REPORT {department_caps} | Working Paper
        {page} | {institution} Technical Report {code}-{page} | Research Report {page},
        {laboratory} | Discussion Paper No. {page}, {month} {year} | A thesis submitted for
        the degree of Doctor of Philosophy, {institution} | Internal Memo {code}{page} |
        {code}-{short_year}-{num} | WORKING PAPER | {code} {short_year}/{num} | Working Paper
        {year}-{digit} – draft version | Report {code}-R{page} | Diploma thesis | Master's
        Thesis in {theme} | {code}-{code}-{num}"""),
    "the_day": words("{month} {day}, {year} | {day} {month} {year} | {month} {year} | {date_iso}"),
    "notice": words("""To appear in {journal} | Under consideration for publication in
        {journal} | Submitted to {journal} | To appear in {venue_short} {year} | Preprint,
        {month} {year} | Submitted for publication. | Accepted for {venue_short} {year} |
        Draft {month} {year} | Invited paper, {venue_short} {year} | {copyright} {year}
        {publisher} | ARTICLE IN PRESS | This work was supported by grant {code}-{zip} |
        Noname manuscript No. (will be inserted by the editor) | manuscript No. (will be
        inserted by the editor) | Advance Access published on {month} {day}, {year} | This
        article has been accepted for publication in a future issue of this journal | Under
        review | Preliminary version | Please cite this paper as: | Pre-print submitted to
        {publisher} | Open Access | Available online at www.{host} | Contract No. {code}-{zip}"""),
    "submitted": words("""submitted for publication | Submitted | to appear | accepted for
        publication | in press | preprint | manuscript | unpublished | Paper presented at |
        accepted by {journal} | Ph.D. thesis | Master's thesis | 2nd edition | Working Paper
        {num}"""),
    "tag": words("""Research Article | REVIEW | Short Communication | Original Paper | ARTICLE
        | Methodology article | POSTER PAPER | Special Issue on {theme} | Chapter {digit} |
        Note | Invited Talk: | Book Review | Session {num}: {theme} | Title: | Thesis: |
        Tutorial: | Lecture {num} | {letter}. | {num}. | {code}{page}: | Regular paper |
        ORIGINAL PAPER | Research article | APPLICATIONS NOTE | Feature Article | Invited
        Paper | Technical Note | Brief communication | SPECIAL ISSUE | Contributed article |
        Proceedings | Poster presentation | Software | Letter to the Editor | Guest Editorial
        | Column: | Demo: | Section {digit}: {theme} | Case Report | Database | Open Access |
        {theme} | Part {digit}: | ORIGINAL ARTICLE | {roman}. | Transactions Papers |
        Correspondence | Correction to"""),
    "section": words("""Introduction | Related Work | Conclusions | Acknowledgements |
        References | Background | Preliminaries | Experimental Results | Discussion | Future
        Work | Methods | Bibliography | Conclusion and Outlook | Problem Statement |
        Evaluation | Appendix | Materials and Methods | System Overview | Implementation |
        Motivation | ABSTRACT | CONTENTS | List of Tables | Notation | Proof of Theorem
        {digit} | Abstract | Abstract | Abstract | Summary | Keywords | General Terms |
        General Terms | Categories and Subject Descriptors | Table of Contents | Contents |
        INTRODUCTION | REFERENCES | SUMMARY | Overview | Foreword | Preface | Editorial |
        Errata | Index Terms | Conclusion | Results | Acknowledgments | Index | Glossary |
        Declaration | Dedication | Biography | Outline | Agenda | Questions?"""),
    "body": words("""In this paper we present {an} {middle} for {middle}. | This paper
        describes {middle}, which | We consider the problem of {middle}. | We show that
        {middle} can be | Recent work on {middle} relies on {middle}. | We investigate
        {middle} and its effect on | This thesis is concerned with {middle} | {single} is one
        of the central problems in | The aim of this study is to relate {middle} to {middle}.
        | We propose {middle} and report | Although {middle} has been widely studied, | It is
        well known that {middle} | Objective: To assess {middle}. Methods: | Patients and
        methods. We recruited {num} | The question whether {middle} is | Let {letter} be a |
        We are grateful to {author} for"""),
    "clause": words("""which is used for {middle} in | and the {middle} of {middle} | as
        described in Section {digit} | where {middle} and {middle} are | to {middle} with
        {middle}, but not to | that {middle} can be | see [{num}] for a proof | such as
        {middle}, {single} and | results for {middle} are shown in Table {digit} | of the
        {single} model. | will be given in | has not been studied so far | we use {middle} and
        | is based on {middle}"""),
    "rights": words("""Copyright {year} {author}. All rights reserved. | © {year} {publisher}
        | Copyright © {year} by {institution} | © {year} {publisher}. Printed in {country}. |
        Permission to make digital or hard copies of all or part of this work | This is an
        open access article distributed under the terms of the licence | All rights reserved."""),
    "an": ("a", "an", "a new", "the"),
    "dash": ("-", "–", ":", ",", "..."),
    "roman": ("I", "II", "III", "IV", "V", "VI"),
    "stray_word": words("""systems | approach | University | Inc. | Editor | Note | Contents |
        model | Draft | Paper | version | Journal | network | Chapter | Figure | Author |
        Title | Vol | by | in | to | with | algorithm | based | Untitled | untitled |
        Microsoft Word - paper.doc | paper.dvi | main.tex | Page"""),
}  # fmt: skip
