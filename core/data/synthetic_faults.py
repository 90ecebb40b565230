"""What an extractor hands back instead of a title, as words and templates.

``{whole}``, ``{front}``, ``{open}`` and ``{back}`` stand for a whole title, its first words, its
first words up to one that cannot end a title, and its last words. Persons, towns, journals and
institutions are invented.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(" ".join(entry.split()) for entry in text.split("|"))


# Kind of fault and its share of the wrong rows in per cent; the shares follow what the public
# title data shows. "plausible" cannot be told from a title: it keeps a perfect score out of reach.
SHARES = (
    ("plausible", 7),
    ("cut", 6),
    ("left_open", 6),
    ("tail", 6),
    ("glued_authors", 11),
    ("glued_header", 12),
    ("glued_abstract", 11),
    ("header", 6),
    ("authors", 6),
    ("body", 7),
    ("citation", 6),
    ("contents", 3),
    ("heading", 3),
    ("address", 3),
    ("report", 2),
    ("date", 1),
    ("caption", 2),
    ("slide", 1),
    ("rights", 1),
)

FAULTS = {
    "plausible": ("{whole}",),
    "cut": ("{front}",),
    "left_open": ("{open}",),
    "tail": ("{back}", "{back}", "{back}", "{back} {footnote}", "{back} {author_line}"),
    "glued_authors": _words("""{whole} {author_line} | {whole} {author} | {whole} by {author}
        | {author_line} {whole} | {author}: {whole} | {authors_cited}: {whole}
        | {whole} {author_line} {department} | {whole} {author} {email} | {whole} {institution}
        | {whole} {footnote} {author_line} | {front} {author_line} {back}
        | {whole} Supervisor: {author} | {author}, {whole}"""),
    "glued_header": _words("""{header} {whole} | {header} {whole} | {header} {front}
        | {whole} {header} | {report} {whole} | {notice} {whole} | {notice} {whole}
        | {tag} {whole} | {tag} {whole} | {date} {whole} | {whole} {date}
        | {whole} {doi} | {doi} {whole} | {whole}, {venue_short} | {whole}. {venue_short}
        | {whole} {page} | {page} {whole} | {whole} ({venue_short} {year})"""),
    "glued_abstract": _words("""{whole} Abstract | {whole} ABSTRACT | {whole} Abstract
        | Abstract {whole} | ABSTRACT {whole} | {whole} (Extended Abstract)
        | {whole} (Extended Abstract) | {whole} Abstract {body} | {whole} Abstract. {body}
        | {whole} {author_line} Abstract {body} | {whole} Summary | {whole} Extended Abstract
        | {whole} {footnote} ABSTRACT | {front} Abstract | {whole} Contents | {whole} Keywords:"""),
    "header": _words("""{proceedings} | {proceedings}, pp. {pages}
        | {proceedings}, {town}, {month} {year}, pages {pages} | {journal_caps}, VOL. {num}, NO.
        {digit} | {journal_caps}, VOL. {num}, NO. {digit}, {month_caps} {year} | {journal} {num}
        ({year}) {pages} | {journal}, Vol. {num}, No. {digit}, pp. {pages}, {year}
        | {page} {journal_caps} | {journal_caps} {page} | {author} et al. / {journal} {num}
        ({year}) {pages} | {venue_short} {year}, {month} {day}, {year}, {town}
        | {ordinal} {meeting} on {theme} | {venue_short}'{short_year} | ORIGINAL PAPER
        | RESEARCH ARTICLE | {journal} | Lecture Notes in {theme}, Vol. {page}"""),
    "authors": _words("""{author_line} | {author_line} | {author}, {institution}
        | {author} {department}, {institution} | {author} {email} | {author} and {author} {email}
        | {author_line} {institution} | {author}*, {author}† | by {author} | Dr. {author}
        | {author_line} {department} | {author} | {email} | Thesis advisor: {author}
        | {initial}.{last}@{host}, {email} | Edited by {author} and {author}"""),
    "body": _words("""Abstract. {opening} | Abstract {opening} | Abstract: {opening} | {opening}
        | {opening} | {lower_clause} | {lower_clause} | 1. INTRODUCTION {opening}
        | {opening} {opening} | {lower_clause}. {opening}"""),
    "opening": _words("""In this paper we present a {adj} {kind} for {task}.
        | This paper describes {coined}, a {kind} for {task} in {domain}. | We consider the problem
        of {task} in {domain}. | We show that {objects} are {adj} under {condition}.
        | {method^} has become a common choice for {task}. | Recent work on {task} relies on
        {method}. | We investigate the {effect} of {social} on {social2} in {place}.
        | Many {objects} in {domain} are {adj} | This thesis is concerned with {gerund} {objects}
        | {task^} is one of the central problems in {domain}. | The aim of this {study} is to relate
        {social} to {social2}. | We propose a {adj} {kind} based on {method} and report results
        | Although {objects} are widely used, | It is well known that {objects} {fail} under"""),
    "lower_clause": _words("""which is {adj} for {objects} in {domain} | and the {objects} of {task}
        | as described in Section {digit} | where the {objects} are {adj} and {adj2}
        | of the {property} of {objects}, we use {method} | to {task} with {method}, but not to
        | that {method} can be {adj} if {objects} {fail} | see [{num}] for a proof
        | such as {task}, {task2} and | results for {task} are shown in Table {digit}"""),
    "citation": _words("""{authors_cited}: {whole}. In: {proceedings}, pp. {pages} ({year})
        | [{num}] {authors_cited}. {whole}. {journal}, {num}({digit}):{pages}, {year}.
        | {authors_cited} ({year}). {whole}. {journal} {num}, {pages} | {whole}. {journal},
        {num}({digit}):{pages} | {whole}. In Proc. {venue_short}, {year} | {whole}", {journal}, vol.
        {num}, pp. {pages}, {year} | {whole}. PhD thesis, {institution} | {authors_cited}. {whole}
        | {whole}," in {proceedings} | {whole}, {journal} | {authors_cited} ({year}) {whole}"""),
    "contents": _words("""{section} {dots} {page} | {digit} {section} {dots} {num} {digit}.{digit}
        {section} {dots} {num} | Contents 1 Introduction {dots} {digit} | {digit}.{digit} {task^}
        {dots} {num} | CHAPTER {digit}. {whole} {dots} {page} | Table of Contents {section} {dots}
        {digit} | List of Figures {dots} iv {section} {dots} {page} | {whole} {dots} {page}"""),
    "heading": _words("""{section} | {digit} {section} | {digit}. {section} | {digit}.{digit}
        {section} | {digit}.{digit}.{digit} {section} | Appendix {letter}: {section}
        | Chapter {digit} {section} | {digit}.{digit} {task^} | {digit} {objects^} and {method}
        | {section} {num} | General Terms {task^} | Keywords: {task}, {method}, {objects}
        | Categories and Subject Descriptors {letter}.{digit}.{digit} [{task^}] | {objects^}
        | {letter}. {section}"""),
    "address": _words("""{department}, {institution} | {department}, {institution}, {town}
        | {institution}, P.O. Box {page}, {zip} {town} | {page} {last} Street, {town}, {zip}
        | {institution} | {department} | {institution} {town} {email} | Tel. +{num} {zip}, Fax
        +{num} {zip} | *Corresponding author: {email} | {laboratory}, {town} {zip}
        | http://www.{host}/~{lowlast}/papers.html"""),
    "report": _words("""Technical Report No. {page} | Technical Report {code}-{year}-{num}
        | {code}-TR-{short_year}-{num} | TECHNICAL REPORT {department_caps} | Working Paper {page}
        | {institution} Technical Report {code}-{page} | Research Report {page}, {laboratory}
        | Discussion Paper No. {page}, {month} {year} | A thesis submitted for the degree of Doctor
        of Philosophy, {institution} | Internal Memo {code}{page}
        | Deliverable D{digit}.{digit}"""),
    "date": _words("""{month} {day}, {year} | {day} {month} {year} | {month} {year}
        | Received {month} {day}, {year}; revised {month} {year} | Draft of {day} {month} {year}
        | Last modified: {day}/{digit}/{year} | Version {digit}.{digit}, {month} {year}
        | {town}, {month} {day}-{num}, {year}"""),
    "caption": _words("""Figure {digit}: {whole} | Fig. {num}. {task^} with {method}
        | Figure {digit}.{digit}: The {property} of {objects} | Table {digit}: {task^} in {domain}
        | Fig. {digit}. Examples of {objects} | TABLE {digit} {whole} | Table {num}. Results for
        {task} under {condition} | Figure {num}: {objects^} as seen by {method}
        | Algorithm {digit} {task^}"""),
    "slide": _words("""Outline | Outline {task^} | Thank you! Questions? | Agenda for {month} {day}
        | Lecture {num}: {task^} | Today: {method} | Homework {digit} Due {month} {day}
        | Slide {num} {section} | Overview {objects^} {method^} Conclusions | CS {page} {month}
        {year} | {author} {town} {year} Outline | Exercise {num}: {gerund} {objects}"""),
    "rights": _words("""Copyright {year} {author}. All rights reserved. | © {year} {publisher}
        | Copyright © {year} by {institution} | © {year} {publisher}. Printed in {country}.
        {doi} | Permission to make digital or hard copies of all or part of this work
        | This is an open access article distributed under the terms of the licence | {doi}
        | {code} {page}-{zip}/{short_year} $ {digit}.00 © {year} {publisher} | {notice}
        | c {year} {publisher}. Manufactured in {country}."""),
    "notice": _words("""To appear in {journal} | Under consideration for publication in {journal}
        | Submitted to {journal} | To appear in {venue_short} {year} | Preprint, {month} {year}
        | Submitted for publication. | Accepted for {venue_short} {year} | Draft {month} {year}
        | Invited paper, {venue_short} {year} | © {year} {publisher} | ARTICLE IN PRESS
        | This work was supported by grant {code}-{zip}"""),
    "tag": _words("""Research Article | REVIEW | Short Communication | Original Paper | ARTICLE
        | Methodology article | POSTER PAPER | Special Issue on {theme} | Chapter {digit} | Note
        | Invited Talk: | Book Review | Session {num}: {theme} | Title: | Thesis: | Tutorial:
        | Lecture {num} | {letter}. | {num}. | {code}{page}: | Regular paper"""),
    "footnote": ("*", "∗", "†", "1", "¶", "1,2", "?"),
    "author_line": _words("""{author} and {author} | {author}, {author} and {author}
        | {author}, {author}, {author} | {author} {author} {author} | {author}1 and {author}2
        | {author}, {author} & {author} | {author_caps} AND {author_caps} | {author} {author}
        | {author}, {author}, {author} and {author} | {author}"""),
    "authors_cited": _words("""{last}, {initial}., {last}, {initial}. | {initial}. {last}
        | {last}, {initial}. | {initial}. {last} and {initial}. {last} | {last} et al.
        | {initial}. {last}, {initial}. {last}, and {initial}. {last} | {last}, {initial}.{initial}.
        | {last} {initial} | {initial}.{initial}"""),
    "author": _words("""{first} {last} | {first} {last} | {first} {initial}. {last}
        | {initial}. {last} | {initial}. {initial}. {last}"""),
    "first": _words("""Anna | Tomas | Mei | Rajiv | Carla | Henrik | Yuki | Omar | Ingrid | Pavel
        | Leila | Marco | Sofia | Jun | Elena | Kofi | Nadia | Bruno | Priya | Lars | Hana | Diego
        | Ruth | Andrei | Fatima | Simon | Claire | Wei | Teresa | Jonas | Amira | Viktor | Paul
        | Grace | Stefan | Mark | Robin | Hope | Max | Iris | Will | Rose"""),
    "last": _words("""Aldhouse | Berkvist | Castellon | Dravic | Ekholt | Farnworth | Gimondi
        | Hakkola | Ibarrola | Jankov | Kessling | Lindqvar | Moritani | Nakadera | Oberlund
        | Petrossi | Quennell | Rasmuth | Sandovar | Takemori | Ulmgren | Vantreight | Wexley
        | Xuan | Yardim | Zelenko | Chaudry | Okonjo | Fontaneda | Grubisch | Li | Park | Singh
        | Field | Stone | Banks | Young | Rivers | Marsh | Wood | Bell | Law | Page | Graf"""),
    "town": _words("""Norvale | Eastmere | Lindhaven | Porto Alba | Karlsby | San Tadeo | Westbrook
        | New Arden | Haldorf | Kitamura | Vistula Falls | Brackwater | Monteluce | Fairholm
        | Sainte-Roche | Velgrad | Tansui | Ashdown | Greyport | Ostrava Nova"""),
    "country": _words("The Netherlands | Great Britain | Germany | Singapore | the U.S.A. | Japan"),
    "institution": _words("""University of {town} | {town} University | {town} Institute of
        Technology | Technical University of {town} | {town} State University | {town} College
        | {laboratory} | National Institute of {theme}, {town}"""),
    "department": _words("""Department of {theme} | Dept. of {theme} | School of {theme}
        | Faculty of {theme} | Institute for {theme} | {theme} Group | {theme} Division"""),
    "department_caps": _words("DEPARTMENT OF COMPUTING | SCHOOL OF ECONOMICS | FACULTY OF SCIENCE"),
    "laboratory": _words("""{town} Research Laboratory | {last} Laboratories | {town} Research
        Center | Centre for {theme} Research | {last} Corporation | {town} Systems, Inc."""),
    "theme": _words("""Computer Science | Data Engineering | Economics | Physics | Psychology
        | Software Engineering | Information Systems | Artificial Intelligence | Sociology
        | Applied Mathematics | Molecular Biology | Signal Processing | Computer Graphics
        | Database Theory | Human Factors | Programming Languages | Networking | Statistics"""),
    "proceedings": _words("""Proceedings of the {ordinal} {meeting} on {theme}
        | Proc. {ordinal} {meeting} on {theme} | Proceedings of {venue_short} {year}
        | PROCEEDINGS OF THE {meeting_caps} {year} | {ordinal} {meeting} on {theme} ({venue_short}
        {year}) | Advances in {theme}, Proc. of {venue_short}'{short_year}"""),
    "meeting": _words("""International Conference | Annual Symposium | International Workshop
        | European Conference | Joint Conference | National Meeting | Winter School"""),
    "meeting_caps": _words("INTERNATIONAL CONFERENCE | ANNUAL SYMPOSIUM | WINTER WORKSHOP"),
    "journal": _words("""Journal of {theme} | {theme} Letters | International Journal of {theme}
        | Annals of {theme} | {theme} Review | Transactions on {theme} | Archives of {theme}
        | European Journal of {theme} | Nordic Journal of {theme}"""),
    "journal_caps": _words("""IEEE TRANSACTIONS ON COMPUTATION | JOURNAL OF DATA SCIENCE
        | ACM LETTERS ON SOFTWARE | TRANSACTIONS ON NETWORKS | ECONOMIC REVIEW QUARTERLY
        | ANNALS OF STATISTICS AND PHYSICS | IEEE JOURNAL OF SIGNALS AND SYSTEMS"""),
    "publisher": _words("""Kestrel Academic Publishers | North Sea Press | Elmwood Science B.V.
        | ACM | IEEE | {town} University Press | Meridian Science + Media, Inc."""),
    "section": _words("""Introduction | Related Work | Conclusions | Acknowledgements | References
        | Background | Preliminaries | Experimental Results | Discussion | Future Work | Methods
        | Bibliography | Conclusion and Outlook | Problem Statement | Evaluation | Appendix
        | Materials and Methods | System Overview | Implementation | Motivation | ABSTRACT
        | List of Tables | Notation | Proof of Theorem {digit} | Abstract | Summary | Keywords"""),
    "month": _words("""January | February | March | April | May | June | July | August | September
        | October | November | December"""),
    "month_caps": _words("JANUARY | MARCH | MAY | JUNE | AUGUST | OCTOBER | DECEMBER"),
    "doi": _words("DOI {num}.{page}/{code}.{year}.{zip} | doi:10.{page}/{zip} | ISSN {page}-{zip}"),
    "dots": _words("........ | . . . . . . . . | ................ | ............................"),
    "email": _words("""{lowlast}@{host} | {lowfirst}.{lowlast}@{host} | {lowfirst}@{host}
        | {{lowlast},{lowlast}}@{host}"""),
    "host": _words("cs.{lowtown}.edu | {lowtown}.ac.uk | informatik.{lowtown}.de | {lowtown}.org"),
}
