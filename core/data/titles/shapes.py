"""The shapes of correct titles, and the words that all fields share.

``{name}`` is a slot, ``{name2}`` a second, different filling of the same kind, ``{name^}`` one
with a capital. Words are in sentence case: the case of a whole title is set at the end. The field
gives ``topic`` (a noun phrase without an article), ``things`` (a plural), ``method``, ``setting``
(a place or area, after "in") and ``adj``.
"""

from __future__ import annotations

from .draw import words

SHAPES = {
    "title": words("""{method} for {topics} | {method} for {topics} | {adj} {method} for
        {topics} | {adj} {topic} using {method} | {topics} with {adj} {method} | {topics} in
        {setting} | {topics} in {setting} | {adj} {topic} in {setting} | {gerund} {matter} in
        {setting} | {gerund} {matter} with {method} | {gerund} {matter} for {topics} |
        {gerund} {matter} | a {adj} {kind} for {topics} | a {kind} for {gerund} {matter} | a
        {adj} {kind} of {matter} | a {adj} {kind} for {topics} in {setting} | a {kind} to
        {topics} based on {method} | a {adj} and {adj2} {kind} for {gerund} {matter} in
        {setting} | toward a {kind} of {topics} | a {method}-based {kind} for {topics} | an
        {attempt} {topics} in {setting} | towards {adj} {topic} | towards {gerund} {matter} in
        {setting} | on {topics} | on the {property} of {method} | on the {property} of
        {matter} in {setting} | on the {property} and {property2} of {matter} | on {gerund}
        {matter} with {method} | the {property} of {topics} | the {property} of {matter} |
        {topics} and {topic2} | the {property} of {topic} in {setting} | {property^} of
        {matter} in {setting} | {property^} and {property2} of {matter} | {property^} of
        {method} for {topics} | {coined}: a {kind} for {topics} | {coined}: {adj} {topic} in
        {setting} | {coined}: a {adj} {kind} for {gerund} {matter} | {coined}: {gerund}
        {matter} with {method} | {coined} - a {adj} {kind} for {gerund} {matter} | {coined}:
        {method} for {topics} | {head}: {subtitle} | {head}: {subtitle} | {head}: {subtitle} |
        {head} - {subtitle} | {question} | {question} | {topics} and its {property} in
        {setting} | {adj} {topics} | the {effect} of {topics} on {topic2} | the {effect} of
        {topic} on {things}: {evidence} | the {effect} of {method} on {topics} in {setting} |
        {adj} {method} for {gerund} {matter} | {topics} by {method} | {method} and {method2}
        for {topics} | {method} meets {topics} | {method} versus {method2} for {topics} | from
        {matter} to {things2} | {claim} | {claim} | {numeral} | a note on {topics} | an
        introduction to {method} | {eponym_shape} | {eponym_shape} | a comparison of {method}
        and {method2} for {topics} | {matter} | {adj} and {adj2} {topic} via {method} |
        {topics} under {condition} | {adj} {things} | {adj} {topics} under {condition} |
        {gerund} {matter} under {condition} | {adj} {method} with {condition} | the {adj}
        {things} of {setting} | {matter} in {setting} | {adj} {things}, {adj2} {things2} and
        {topics} | {matter} and {topics} | {matter} as {things2}: {subtitle} | why {matter}
        {fail} | {topic}, {topic2} and {method} | {topics} through {method}: {subtitle} |
        {gerund} and {gerund2} {matter} | {matter} for {setting} | {topic} of {matter} | {adj}
        {topic} of {matter} | using {method} to {verb} {matter} | using {method} for {topics}
        in {setting} | {topics} using {method} and {method2} | {topics} using {adj} {method} |
        {gerund} the {property} of {matter} using {method} | {gerund} {matter} by {gerund2}
        {things2} | {topics} in {setting} using {adj} {method} | how to {verb} {matter} in
        {setting} | {topics} with {matter} and {things2} | {topics} for {matter} in {setting}
        | {kinds} for {gerund} {matter} | {adj} {kinds} for {topics} | {topics} ({coined}) |
        {property^} of {matter} | the role of {topics} in {topic2} | {topics} without {things}
        | {gerund} {topics} and {topic2} in {setting}: {subtitle} | {gerund} {matter} to
        {verb} {topics} | {topics} based on {method} in {setting} | the {coined} {kind} for
        {topics} | {topics} {roman}: {subtitle} | {topics}, part {roman}: {topic2} in
        {setting} | integrating {coined} into {coined2} | {topics} at {coined} | {coined} and
        {coined2}: {topics} | an overview of {topics} | introduction: {topics} | {topics} in
        {coined} | {eponym} ({years}): a {adj} {kind} | {coined}/{coined2}: {matter} |
        {coined}-{digit}: {method} for {topics} | {coined} {year}: {topics} with {matter} |
        {topics} (part {digit}) | {things}, {things2} and the {property} of {topics} | can you
        {verb} {things}? {topics} in {setting}"""),
    "topics": words("""{topic} | {topic} | {adj} {topic} | {topic} of {things} | {topic} in
        {setting} | {topic} and {topic2} | {topic} for {matter} | {adj} {topic} with {things}
        | {things} {topic} | {method}-based {topic}"""),
    "matter": words("""{things} | {things} | {adj} {things} | {adj} {things} | {adj}, {adj2}
        {things} | {things} and {things2} | {things} with {condition} | {things} for {topic} |
        {things} from {things2} | {adj} and {adj2} {things} | {things} in {setting} | {things}
        of {setting}"""),
    "head": words("""{topics} | {method} | {adj} {topic} | {topic} in {setting} | {gerund}
        {matter} | beyond {topic} | the {property} of {things} | {things} and {things2} |
        {catchy} | {catchy} | {adj} {things} | {topic} and {topic2}"""),
    "catchy": words("""old wine in new bottles | the best of both worlds | lost in translation
        | divide and conquer | a tale of two {things} | to {verb} or not to {verb} | back to
        the future | mind the gap | all together now | seeing is believing | the missing link
        | small is beautiful | bridging the gap | looking before leaping | no free lunch | one
        size does not fit all | less is more | out of sight, out of mind | the long and the
        short of it | what you see is what you {verb} | {things}, anyone? | {things}
        everywhere | the good, the bad and the {adj} | in search of {topic}"""),
    "subtitle": words("""a {adj} {kind} | a {kind} for {gerund} {matter} | a {adj} perspective
        | {evidence} | an empirical {study} | theory and practice | a survey | problems and
        prospects | lessons from {setting} | a {study} of {things} | a critical review | a
        {kind} for {topic} | past, present and future | an application to {setting} | results
        of a {study} | {gerund} {things} in {setting} | concepts, methods and {things} |
        {topics} with {method} | {adj} {topics} for {things} | the case of {things} | {method}
        for {gerund} {things} | an overview | a tutorial | towards {adj} {topic} | from
        {things} to {things2} | the {effect} of {topic} | issues and challenges | {property}
        and {property2} | experiences with {method} | what can be learned from {things}? |
        part {digit}"""),
    "question": words("""does {topic} affect {topic2}? | how {adj} are {things}? | is {topic}
        {adj}? | can {things} improve {topic}? | what makes {things} {adj}? | what is {topic}?
        | is {topic} good for {topic2}? | when do {things} {fail}? | who gains from {topic}? |
        do {things} need {method}? | why {method}? | {topic}: how far can we go? | should
        {things} be {adj}? | {topic}: blessing or burden? | are {things} really {adj}? | what
        do {things} tell us about {topic}? | {things}: friends or foes?"""),
    "claim": words("""{things} are {adj} | not all {things} are equal | {things} {verb}
        {things2} | {method} is enough for {topic} | {gerund} {things} is hard | {topic} is
        not {topic2} | {method} considered harmful | less is more in {topic} | {topic} shapes
        {topic2} | {things} {fail} under {condition} | {adj} {things} help {topic} | every
        {topic} needs {method} | {topic} predicts {topic2} in {setting}"""),
    "numeral": words("""{digit} rules for {topic} | {gerund} 3D {things} with {method} |
        {topic} {digit}.0: {subtitle} | {topic} in {place}, {years} | {digit} years of {topic}
        | {gerund} {digit}00 {things} with {method} | {topic} in the {digit}0s | {topic},
        {years} | {topic} ({years}) | {adj} {topic} in {digit} dimensions | {topic} in {year}:
        {subtitle} | {coined} at {coined2} {year}: {adj} {topic} | ISO {page}{digit} and
        {topic} | the {coined} {year} {topic} track | a {digit}-step {kind} for {topic}"""),
    "evidence": words("""evidence from {place} | a {study} of {place} | the case of {place} |
        new evidence from {place} | lessons from {place} | a {study} | evidence from {setting}
        | {place} and {place2} compared"""),
    "eponym_shape": words("""{eponym}'s {thing} and {topic} | the {eponym}-{eponym2} {thing} |
        on {eponym}'s {thing} | {eponym} {things} and {things2} | a {adj} {eponym} {thing} |
        {topic} after {eponym} | {gerund} {eponym} {thing_many} with {method} | {eponym} on
        {topic} | the {eponym} {thing} for {adj} {things} | {eponym} and {eponym2} on {topic}"""),
    "eponym": words("""Gödel | Erdős | Poincaré | Hölder | Schrödinger | Łukasiewicz | Möbius
        | Weil | Bézier | Kähler | Čech | Rényi | Nash | Bayes | Turing | Markov | Euler |
        Gauss | Saussure | Foucault | Dürer | Çelebi | Nguyễn | García Márquez | Averroës |
        Keynes | Piaget | Rawls | Ibn Sīnā | Tōgō | Bartók | Brontë | Ångström | Pólya |
        Cauchy | Fourier | Hilbert | Wiener | von Neumann | Darwin | Mendel | Kant | Hegel |
        Chomsky | Vygotsky | Montessori | Savigny"""),
    "thing": words("""theorem | problem | conjecture | inequality | model | equation |
        principle | paradox | machine | space | law | argument | test | hypothesis | method |
        rule | graph"""),
    "thing_many": words("""theorems | problems | inequalities | models | equations | machines
        | spaces | arguments | tests | rules | graphs"""),
    "attempt": words("""approach to | experiment on | analysis of | investigation of | outline
        of | algorithm for | empirical study of | integrated approach to | improved method for"""),
    "verb": words("""measure | improve | understand | compare | predict | explain | describe |
        control | test | classify | build | find | design | manage | reduce | solve | model |
        teach"""),
    "gerund": words("""learning | estimating | detecting | understanding | indexing | mining |
        modelling | predicting | tracking | comparing | verifying | visualizing | scheduling |
        searching | testing | composing | ranking | clustering | synthesizing | measuring |
        explaining | merging | annotating | monitoring | approximating | reconstructing |
        simulating | transforming | aligning | evaluating | extracting | planning | designing
        | improving | managing | teaching | describing | identifying | exploring | rethinking
        | combining | controlling | generating | analyzing | supporting | building |
        optimizing"""),
    "kind": words("""approach | framework | method | algorithm | model | architecture | system
        | language | toolkit | protocol | calculus | heuristic | theory | platform | benchmark
        | procedure | environment | technique | methodology | structure | formalism |
        classification | perspective | strategy | tool | scheme | study | history | review |
        typology | account"""),
    "kinds": words("""approaches | frameworks | methods | algorithms | models | architectures
        | systems | languages | protocols | heuristics | benchmarks | procedures |
        environments | techniques | strategies | tools | schemes | perspectives | structures"""),
    "study": words("""case study | study | comparison | evaluation | field study | panel study
        | simulation study | qualitative study | longitudinal study | user study | pilot study
        | randomized trial | meta-analysis | corpus study | cross-country comparison"""),
    "property": words("""complexity | stability | convergence | expressive power | limits |
        role | design | structure | geometry | use | power | analysis | semantics |
        implementation | evolution | robustness | cost | value | origins | meaning |
        performance | verification | optimality | economics | dynamics | accuracy | history |
        nature | distribution | influence | development | application | modelling |
        measurement | properties | effectiveness | impact"""),
    "effect": words("""effect | impact | influence | effects | long-run effects | role |
        burden | unintended consequences | moderating effect | relative importance"""),
    "condition": words("""uncertainty | bounded memory | noisy labels | partial information |
        delayed feedback | hard deadlines | concept drift | missing data | limited bandwidth |
        adversarial noise | linear constraints | heavy load | weak supervision | stress |
        incomplete knowledge | time pressure | imperfect recall | soft constraints | high
        pressure | low temperatures | changing climate | budget constraints | random failures"""),
    "fail": words("""fail | disagree | diverge | scale | matter | break | converge | drift |
        forget | oscillate | cooperate | generalize | change | survive | compete | work"""),
    "place": words("""rural India | Northern Europe | Brazil | Ghana | urban China | Chile |
        Poland | two Swedish cities | the United States | Japan | Kenya | East Germany |
        Mexico | Italy | South-East Asia | Canada | post-war Britain | Turkey | 20 countries |
        Vietnam | Egypt | the Baltic states | transition economies | the European Union |
        Norway | Peru | Córdoba | Île-de-France | São Paulo | Kraków | Zürich | the Şanlıurfa
        plain | Malmö | Bogotá"""),
}
