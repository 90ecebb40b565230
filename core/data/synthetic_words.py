"""The words and templates that synthetic titles and their faults are made of.

Each key is a symbol, each entry one way to write it; ``{name}`` stands for another symbol,
``{name2}`` for a second, different one of the same kind.
Words are in sentence case: the generator sets the case of a whole title.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(" ".join(entry.split()) for entry in text.split("|"))


TITLES = {
    # The shapes of a title, the frequent ones repeated.
    "title": _words("""
        {method} for {task} | {method} for {task} | {adj} {method} for {task}
        | {adj} {task} using {method} | {task} with {adj} {method} | {adj} {task} in {domain}
        | {task} in {domain} | {gerund} {objects} in {domain} | {gerund} {objects} with {method}
        | {gerund} {adj} {objects} for {task} | a {adj} {kind} for {task}
        | a {adj} {kind} for {task} in {domain} | a {kind} to {task} based on {method}
        | towards {adj} {task} | towards {gerund} {objects} in {domain}
        | on the {property} of {method} | on the {property} of {objects} in {domain}
        | the {property} of {social} | the {property} of {objects} | {task} and {task2}
        | {coined}: a {kind} for {task} | {coined}: {adj} {task} in {domain}
        | {coined}: {gerund} {objects} with {method} | {topic}: {subtitle} | {topic}: {subtitle}
        | {question} | {question} | {social} and {social2} | {social} and {social2} in {place}
        | {social} in {place}: {evidence} | the {effect} of {social} on {social2}
        | the {effect} of {social} on {social2}: {evidence} | {adj} {method}
        | {task} by {method} | {method} and {method2} | {method} meets {task}
        | {method} versus {method2} for {task} | from {objects} to {objects2}
        | {claim} | {claim} | {numeral} | a note on {task} | an introduction to {method}
        | a comparison of {method} and {method2} | {adj} and {adj2} {task} via {method}
        | {task} under {condition} | {adj} {task} under {condition}
        | {gerund} {objects} under {condition} | {adj} {method} with {condition}
        | the {adj} {objects} of {domain} | {adj} {objects}, {adj2} {objects2} and {task}
        | {bio} in {organism} | {gerund} {bio} with {method} | {bio}: {subtitle}
        | {objects} as {objects2}: {subtitle} | why {objects} {fail}
        | {task}, {task2} and {method} | {task} through {method}: {subtitle}
        | {gerund} and {gerund2} {objects} | {adj} {objects} for {domain}
    """),
    "topic": _words("""{task} | {method} | {social} | {adj} {task} | {bio} | {task} in {domain}
        | {gerund} {objects} | beyond {task} | the {property} of {objects}"""),
    "subtitle": _words("""a {adj} {kind} | a {kind} | a {adj} perspective | {evidence}
        | an empirical {study} | theory and practice | a survey | problems and prospects
        | lessons from {domain} | a {study} of {objects} | a critical review
        | past, present and future | an application to {domain} | results of a {study}
        | {gerund} {objects} in {domain} | concepts, methods and {objects}"""),
    "question": _words("""does {social} affect {social2}? | how {adj} are {objects}?
        | can {objects} improve {task}? | what makes {objects} {adj}?
        | is {social} good for {social2}? | when do {objects} {fail}? | who gains from {social}?
        | do {objects} need {method}? | why {method}? | {task}: how far can we go?
        | should {objects} be {adj}? | {social}: blessing or burden?"""),
    "claim": _words("""{objects} are {adj} | every {structure} has a {adj} {structure2}
        | not all {objects} are equal | {method} is enough for {task}
        | {gerund} {objects} is hard | {method} considered harmful | less is more in {task}
        | {social} shapes {social2} | {objects} {fail} under {condition}
        | {adj} {objects} help {task}"""),
    "numeral": _words("""a {digit}-approximation for {task} | {digit} rules for {task}
        | {gerund} 3D {objects} with {method} | {task} {digit}.0: {subtitle}
        | the {digit}-dimensional {structure} | {social} in {place}, {years}
        | {gerund} {digit}00 {objects} with {method} | {digit} years of {task}"""),
    "evidence": _words("""evidence from {place} | a {study} of {place} | the case of {place}
        | new evidence from {place} | lessons from {place} | a {study} | cross-country evidence"""),
    "adj": _words("""efficient | robust | adaptive | scalable | incremental | distributed | parallel
        | approximate | probabilistic | interactive | hierarchical | low-cost | fault-tolerant
        | context-aware | real-time | large-scale | semi-supervised | unsupervised | automatic
        | optimal | sparse | dense | secure | privacy-preserving | energy-efficient | modular
        | declarative | lazy | online | stochastic | dynamic | static | formal | practical | fast
        | lightweight | self-organizing | multi-agent | high-order | nonlinear | implicit
        | data-driven | compositional | fair | transparent | collaborative | hybrid | generalized
        | minimal | local | reversible | cooperative | unified | type-safe | asynchronous"""),
    "kind": _words("""approach | framework | method | algorithm | model | architecture | system
        | language | toolkit | protocol | calculus | heuristic | theory | platform | benchmark
        | procedure | environment | technique | methodology | data structure | formalism"""),
    "study": _words("""case study | study | comparison | evaluation | field study | panel study
        | simulation study | qualitative study | longitudinal study | user study"""),
    "property": _words("""complexity | stability | convergence | expressive power | limits | role
        | design | structure | geometry | use | power | analysis | semantics | implementation
        | evolution | robustness | cost | value | origins | meaning | performance | verification
        | optimality | economics | decidability | dynamics | accuracy"""),
    "effect": _words("""effect | impact | influence | effects | long-run effects | role | burden
        | unintended consequences | moderating effect"""),
    "condition": _words("""uncertainty | bounded memory | noisy labels | partial information
        | delayed feedback | hard deadlines | concept drift | missing data | limited bandwidth
        | adversarial noise | linear constraints | heavy load | weak supervision | churn
        | incomplete knowledge | time pressure | imperfect recall | soft constraints"""),
    "fail": _words("""fail | disagree | diverge | scale | matter | break | converge | drift
        | forget | oscillate | cooperate | generalize"""),
    "gerund": _words("""learning | estimating | detecting | understanding | indexing | mining
        | modelling | predicting | tracking | compressing | verifying | visualizing | scheduling
        | searching | testing | composing | ranking | clustering | synthesizing | measuring
        | securing | debugging | sampling | matching | explaining | merging | annotating
        | monitoring | approximating | reconstructing | refactoring | simulating | caching
        | transforming | aligning | evaluating | extracting | planning"""),
    "objects": _words("""programs | queries | graphs | images | user interfaces | web pages
        | databases | ontologies | sensors | proofs | contracts | agents | robots | documents
        | time series | point clouds | polygons | type systems | trajectories | games | markets
        | workflows | speech signals | routing tables | requirements | design patterns | compilers
        | digital libraries | search engines | neural networks | decision trees | sequences
        | shared objects | components | event streams | finite automata | kernels | hash tables
        | mobile devices | spreadsheets | passwords | medical records | news stories | tensors
        | social networks | concurrent processes | video streams | road maps | gestures
        | virtual machines | file systems | communities | services | preferences | annotations"""),
    "structure": _words("""planar graph | finite group | convex polytope | regular language
        | sparse matrix | Markov chain | binary tree | lattice | matroid | Boolean function
        | metric space | Hamiltonian cycle | tournament | cubic graph | simplicial complex
        | permutation | word equation | hypergraph | polynomial ideal"""),
    "method": _words("""dynamic programming | simulated annealing | Bayesian inference
        | genetic algorithms | support vector machines | graph neural networks | model checking
        | linear programming | constraint propagation | random projections | spectral methods
        | partial evaluation | hidden Markov models | reinforcement learning | active learning
        | abstract interpretation | wavelet transforms | Monte Carlo methods | transfer learning
        | finite elements | answer set programming | attention mechanisms | fuzzy logic
        | principal component analysis | branch and bound | locality-sensitive hashing
        | temporal logic | kernel methods | mixture models | maximum entropy | tabu search
        | Petri nets | functional programming | contrastive learning | Gaussian processes
        | gradient boosting | aspect-oriented programming | description logics | splines
        | boosting | latent variable models | domain-specific languages | symbolic execution
        | case-based reasoning | particle filters | Kalman filtering | game theory
        | software transactional memory | belief propagation | convex relaxation | XML views
        | belief networks | edge caching | program slicing | message passing | tree automata
        | multigrid methods | network coding | sketching | speculative execution | crowdsourcing
        | qualitative reasoning | logistic regression | structural equation models | LSTM models
        | discrete event simulation | self-training | matrix factorization | term rewriting
        | compressed sensing | SAT solving | integer programming | BDD-based analysis"""),
    "task": _words("""image segmentation | query optimization | text categorization | word alignment
        | speech recognition | intrusion detection | load balancing | face recognition
        | motion planning | information retrieval | feature selection | data integration
        | software testing | program verification | schema matching | collision detection
        | stereo vision | question answering | knowledge representation | garbage collection
        | code generation | anomaly detection | congestion control | resource allocation
        | named entity recognition | volume rendering | surface reconstruction | job scheduling
        | machine translation | link prediction | channel estimation | key exchange
        | access control | cache coherence | process mining | object tracking | plan recognition
        | topic detection | music retrieval | register allocation | pointer analysis
        | graph drawing | nearest neighbor search | outlier detection | document summarization
        | power management | fault diagnosis | requirements elicitation | leader election
        | view maintenance | dialogue management | handwriting recognition | parameter estimation
        | mesh generation | record linkage | image registration | type inference | data cleaning
        | term extraction | protein structure prediction | demand forecasting | route planning
        | concurrency control | texture synthesis | regression testing | buffer sizing
        | credit scoring | vehicle routing | fingerprint matching | sequence alignment
        | gesture recognition | spam filtering | timetabling | sentiment analysis
        | authentication | replication | coreference resolution | multicast routing | parsing
        | performance prediction | peer review | traffic shaping | subgroup discovery
        | constraint solving | image compression | software reuse | crash recovery"""),
    "domain": _words("""wireless sensor networks | peer-to-peer systems | mobile ad hoc networks
        | data warehouses | medical imaging | electronic commerce | embedded systems
        | object-oriented databases | the semantic web | digital libraries | cloud computing
        | virtual environments | biological networks | higher education | health care
        | multiprocessor systems | relational databases | IP networks | smart grids
        | high-energy physics | remote sensing | computational biology | software engineering
        | natural language interfaces | operating systems | grid computing | the life sciences
        | supply chains | online communities | optical networks | manufacturing systems
        | public administration | autonomous vehicles | computer games | primary schools
        | multi-core processors | social media | climate models | financial markets
        | distributed systems | open source projects | hospital wards | vehicular networks
        | VLSI circuits | large ontologies | logic programs | developing countries | metric spaces
        | Java programs | first-order logic | urban planning | reversible circuits
        | scientific workflows | legal texts | fluid dynamics | speech interfaces"""),
    "social": _words("""income inequality | voter turnout | labour migration | school choice
        | household debt | trade liberalization | social capital | corporate governance
        | child poverty | monetary policy | land reform | minimum wages | political trust
        | job satisfaction | urban segregation | media exposure | teacher training | remittances
        | consumer confidence | parental education | fiscal decentralization | female employment
        | organizational learning | early retirement | electoral competition | housing prices
        | public opinion | civic participation | technology adoption | working hours
        | exchange rate volatility | knowledge transfer | group identity | air pollution
        | risk aversion | collective bargaining | foreign aid | peer pressure | welfare reform
        | commuting | language policy | tax evasion | gender roles | crime | union membership
        | entrepreneurship | class size | price discrimination | public health | mental health
        | immigrant integration | moral judgement | working memory | reading ability"""),
    "bio": _words("""gene expression | membrane transport | protein folding | cell division
        | immune response | photosynthesis | soil respiration | visual attention | bone growth
        | neural plasticity | enzyme kinetics | population dynamics | spin relaxation
        | crystal growth | plasma turbulence | magnetic ordering | seed dispersal
        | DNA repair | insulin signalling | ocean circulation | star formation | muscle fatigue
        | quantum transport | thin film deposition | viral replication | foraging behaviour"""),
    "organism": _words("""yeast | fruit flies | zebrafish | temperate forests | honey bees
        | laboratory mice | older adults | young children | coastal wetlands | galaxy clusters
        | layered semiconductors | binary alloys | rice paddies | alpine lakes | infants
        | migratory birds | porous media | human cortex | tomato plants"""),
    "place": _words("""rural India | Northern Europe | Brazil | Ghana | urban China | Chile | Poland
        | two Swedish cities | the United States | Japan | Kenya | East Germany | Mexico | Italy
        | South-East Asia | Canada | post-war Britain | Turkey | 20 countries | Vietnam | Egypt
        | the Baltic states | transition economies | the European Union | Norway | Peru"""),
}
