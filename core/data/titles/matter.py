"""What stands around titles on a page: persons, places, journals, meetings, numbers.

Persons, towns, journals and institutions are invented; publishers' and societies' names and the
boilerplate of their styles are as everybody prints them.
"""

from __future__ import annotations

from .draw import words

MATTER = {
    "author": words("""{first} {last} | {first} {last} | {first} {initial}. {last} |
        {initial}. {last} | {initial}. {initial}. {last} | {first} {last}-{last2} | {first}
        van {last} | {first} de {last}"""),
    "first": words("""Anna | Tomas | Mei | Rajiv | Carla | Henrik | Yuki | Omar | Ingrid |
        Pavel | Leila | Marco | Sofia | Jun | Elena | Kofi | Nadia | Bruno | Priya | Lars |
        Hana | Diego | Ruth | Andrei | Fatima | Simon | Claire | Wei | Teresa | Jonas | Amira
        | Viktor | Paul | Grace | Stefan | Mark | Robin | Hope | Max | Iris | Will | Rose |
        José | André | Zoë | Søren | Łukasz | Jürgen | François | Émilie | Håkan | Ana |
        Michael | David | John | Peter | Robert | Hiroshi | Xiaoming | Yong | Min-Jae | Sanjay
        | Ahmed | Ivan | Olga | Giovanni"""),
    "last": words("""Aldhouse | Berkvist | Castellon | Dravic | Ekholt | Farnworth | Gimondi |
        Hakkola | Ibarrola | Jankov | Kessling | Lindqvar | Moritani | Nakadera | Oberlund |
        Petrossi | Quennell | Rasmuth | Sandovar | Takemori | Ulmgren | Vantreight | Wexley |
        Xuan | Yardim | Zelenko | Chaudry | Okonjo | Fontaneda | Grubisch | Li | Park | Singh
        | Field | Stone | Banks | Young | Rivers | Marsh | Wood | Bell | Law | Page | Graf |
        Gómez | Müllner | Øster | Nguyễn | Łukowski | Çelikay | Brânz | D'Amaro | O'Shell |
        Wang | Zhang | Chen | Kim | Schmied | Johansen | Costa | Ivanov | Kowal | Haddad |
        Rossini | Dupontel | Svensk | Virtane | Papadakos | Yamagata | Tran | Gupta | Rao |
        Cohen | Smith | Brown | Meyer | Fischer | Martin | Lopez | Silva | Novak | Horvath |
        Popescu | Larsen"""),
    "town": words("""Norvale | Eastmere | Lindhaven | Porto Alba | Karlsby | San Tadeo |
        Westbrook | New Arden | Haldorf | Kitamura | Vistula Falls | Brackwater | Monteluce |
        Fairholm | Sainte-Roche | Velgrad | Tansui | Ashdown | Greyport | Ostrava Nova |
        Besançonne | Ålby | Münsterau | São Tiago | Kraśnica | Paris | Tokyo | Toronto |
        Sydney | Vienna | Lisbon"""),
    "country": words("""The Netherlands | Great Britain | Germany | Singapore | the U.S.A. |
        Japan | France | Italy | Spain | P. R. China | Canada | Brazil | India | Sweden |
        Poland"""),
    "institution": words("""University of {town} | {town} University | {town} Institute of
        Technology | Technical University of {town} | {town} State University | {town} College
        | {laboratory} | National Institute of {theme}, {town} | Universität {town} |
        Université de {town} | Universidad de {town} | Universidade de {town} | Politecnico di
        {town} | {town} School of Economics | Max Planck Institute for {theme} | {town}
        University Hospital | {town} Academy of Sciences | Royal {town} College of Law"""),
    "department": words("""Department of {theme} | Dept. of {theme} | School of {theme} |
        Faculty of {theme} | Institute for {theme} | {theme} Group | {theme} Division |
        Institut für {theme} | Département de {theme} | Graduate School of {theme} | {theme}
        Department | College of {theme} | Chair of {theme}"""),
    "department_caps": words("""DEPARTMENT OF COMPUTING | SCHOOL OF ECONOMICS | FACULTY OF
        SCIENCE | DEPARTMENT OF PHYSICS | INSTITUTE OF LINGUISTICS | SCHOOL OF MEDICINE"""),
    "laboratory": words("""{town} Research Laboratory | {last} Laboratories | {town} Research
        Center | Centre for {theme} Research | {last} Corporation | {town} Systems, Inc. |
        {last} Research Labs | {theme} Laboratory | {code} Research"""),
    "theme": words("""Computer Science | Data Engineering | Economics | Physics | Psychology |
        Software Engineering | Information Systems | Artificial Intelligence | Sociology |
        Applied Mathematics | Molecular Biology | Signal Processing | Computer Graphics |
        Database Theory | Human Factors | Programming Languages | Networking | Statistics |
        Mathematics | Electrical Engineering | Computer Engineering | Operations Research |
        Information Science | Law | History | Linguistics | Medicine | Neuroscience |
        Chemistry | Mechanical Engineering | Materials Science | Political Science | Education
        | Philosophy | Bioinformatics | Biology | Robotics | Communications | Management
        Science | Logic | Computational Linguistics | Theoretical Computer Science | Discrete
        Mathematics | Computing | Informatics | Algorithms | Pattern Recognition | Machine
        Learning | Geography | Parallel and Distributed Systems | Very Large Data Bases |
        Formal Methods | Simulation | Visualization and Computer Graphics | Knowledge and Data
        Engineering | Graph Theory | Human-Computer Interaction | Medical Imaging | Public
        Health | Control | Astronomy | Computer Vision | Information Theory | Multimedia |
        Agents | Electronic Commerce"""),
    "theme_caps": words("""{upper_theme} | {upper_theme} | {upper_theme} AND {upper_theme}"""),
    "publisher": words("""Kestrel Academic Publishers | North Sea Press | Elmwood Science B.V.
        | ACM | IEEE | {town} University Press | Meridian Science + Media, Inc. | Elsevier
        B.V. | Springer-Verlag | Kluwer Academic Publishers | John Wiley & Sons, Inc. |
        Academic Press | SIAM | Elsevier Science B.V. All rights reserved | INFORMS | Taylor &
        Francis | IOS Press | World Scientific Publishing Company | Springer Science+Business
        Media, LLC | AAAI Press | Cambridge University Press | The Authors | Blackwell
        Publishing Ltd | MIT Press"""),
    "society": words("IEEE | ACM | IEEE/ACM | SIAM | IFIP | BMC | AMS | IEICE | SPIE | INFORMS"),
    "proceedings": words("""Proceedings of the {ordinal} {meeting} on {theme} | Proc.
        {ordinal} {meeting} on {theme} | Proceedings of {venue_short} {year} | PROCEEDINGS OF
        THE {meeting_caps} {year} | {ordinal} {meeting} on {theme} ({venue_short} {year}) |
        Advances in {theme}, Proc. of {venue_short}'{short_year} | Proceedings of the
        {ordinal} {meeting} on {theme} - {year} | Proceedings of the {year} {society}
        {meeting} on {theme} | {year} {society} {meeting} on {theme} | {year} {ordinal}
        {meeting} on {theme} | Proceedings of the {year} {meeting} on {theme}
        ({venue_short}{short_year}), {town}, {country} | {society} {meeting} on {theme} | In
        Proceedings of the {ordinal} {meeting} on {theme}"""),
    "meeting": words("""International Conference | Annual Symposium | International Workshop |
        European Conference | Joint Conference | National Meeting | Winter School | Symposium
        | Conference | Annual Conference | International Symposium | Workshop | Annual Meeting"""),
    "meeting_caps": words("""INTERNATIONAL CONFERENCE | ANNUAL SYMPOSIUM | WINTER WORKSHOP |
        IEEE CONFERENCE ON {theme_caps} | INTERNATIONAL WORKSHOP ON {theme_caps}"""),
    "journal": words("""Journal of {theme} | {theme} Letters | International Journal of
        {theme} | Annals of {theme} | {theme} Review | Transactions on {theme} | Archives of
        {theme} | European Journal of {theme} | Nordic Journal of {theme} | {theme} | {theme}
        | {society} Transactions on {theme} | {society} Transactions on {theme} | The {theme}
        Journal | BMC {theme} | {theme} Research | {society} Journal of {theme} | Theory of
        {theme} | Journal of {theme} and {theme2} | Applied {theme} | Electronic Notes in
        {theme}"""),
    "journal_short": words("""J. {word_theme} | {word_theme}. | J. Comput. {word_theme}. |
        Comm. {society} | Int. J. {word_theme}. | Trans. {word_theme}. | Inf. Process. Lett. |
        Ann. {word_theme}. | SIAM J. Comput. | J. Symb. Log. | Theor. Comput. Sci. | Oper.
        Res. Lett. | Phys. Lett. A | Am. J. {word_theme}. | Proc. Nat. Acad. Sci."""),
    "journal_caps": words("""{society} TRANSACTIONS ON {theme_caps} | JOURNAL OF {theme_caps}
        | ACM LETTERS ON {theme_caps} | {society} TRANSACTIONS ON {theme_caps} | ANNALS OF
        {theme_caps} | {society} JOURNAL OF {theme_caps} | INTERNATIONAL JOURNAL OF
        {theme_caps} | {theme_caps} | REPORTS ON {theme_caps} | {theme_caps} REVIEW"""),
    "volume": words("""Vol. {num}, No. {digit} | VOL. {num}, NO. {digit}, {month_caps} {year}
        | Vol. {num}, No. {digit}, pp. {pages} | {num} ({year}) {pages} | {num}:{pages},
        {year} | Volume {num}, Number {digit}, {month} {year} | {num} ({year}) {pages} | VOL.
        XX, NO. X, {year} | Vol {num} No {digit} {year}, pages {pages} | vol. {num} no.
        {digit}, {year} | ({year}) {num}, {pages} | {num}, {pages}, {year}"""),
    "month": words("""January | February | March | April | May | June | July | August |
        September | October | November | December"""),
    "month_caps": words("JANUARY | MARCH | MAY | JUNE | AUGUST | OCTOBER | DECEMBER"),
    "doi": words("""doi:10.{page}/{code_low}{num}{page} | DOI 10.{page}/s{zip}-{code_number} |
        DOI: 10.{page}/{code_low}.{year}.{page} | doi:10.{page}/{code_low}/{code_low}{zip} |
        DOI 10.{page}/{zip} | Digital Object Identifier (DOI) 10.{page}/s{zip}-{code_number} |
        doi 10.{page}/{code_low}.{page}.{page} | https://doi.org/10.{page}/{code_low}.{zip}"""),
    "issn": words("ISSN {page}-{page} | ISSN: {page}-{page} | ISBN {digit}-{page}-{zip}-{digit}"),
    "dots": words("........ | . . . . . . . . | ................ | ............................"),
    "email": words("""{lowlast}@{host} | {lowfirst}.{lowlast}@{host} | {lowfirst}@{host} |
        {{lowlast},{lowlast}}@{host} | {lowfirst}{lowlast}@{host}"""),
    "host": words("""cs.{lowtown}.edu | {lowtown}.ac.uk | informatik.{lowtown}.de |
        {lowtown}.org | {lowtown}.edu | ee.{lowtown}.edu | {lowtown}.fr | mail.{lowtown}.cn |
        {lowlast}.com"""),
    "phone": words("""Tel. +{num} {zip}, Fax +{num} {zip} | Phone: ({page}) {zip} | tel
        +{num}-{num}-{zip} | Fax: +{num} {num} {zip} | (+{num}) {page} {zip}"""),
    "footnote": ("*", "∗", "†", "1", "¶", "1,2", "?", "‡", "2"),
    "copyright": ("©", "©", "(c)", "c", "?", "c ○"),
    "closing": ("”", '"', "''", "&quot;", "§", ",”", ',"', "”,", "§,", "&quot;,"),
    "author_line": words("""{author} and {author} | {author}, {author} and {author} |
        {author}, {author}, {author} | {author} {author} {author} | {author}1 and {author}2 |
        {author}, {author} & {author} | {author_caps} AND {author_caps} | {author} {author} |
        {author}, {author}, {author} and {author} | {author} | {author}, | {author}, {author},
        | {author}* {author}† | {author_caps}"""),
    "authors_cited": words("""{last}, {initial}., {last}, {initial}. | {initial}. {last} |
        {last}, {initial}. | {initial}. {last} and {initial}. {last} | {last} et al. |
        {initial}. {last}, {initial}. {last}, and {initial}. {last} | {last},
        {initial}.{initial}. | {last} {initial} | {initial}.{initial}"""),
    "cited_tail": words("""{initial}.: | {initial}.: | {initial}.{initial}.: | {last}, |
        {last}. | {last},{initial}.: | {initial}. {last}. | {last}: | and {initial}. {last}. |
        {last} et al, | {last} {initial}: | {initial}.; | &amp; {last}, {initial}. ({year}). |
        Jr.: | eds. | {last}, {opening_quote} | {initial}. {last}, {opening_quote} | {last}:
        {opening_quote}"""),
    "opening_quote": ("“", '"', "``", "&quot;", "※"),
}
