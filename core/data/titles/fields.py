"""Fields of study and their words: computing and mathematics; the others are beside it."""

from __future__ import annotations

from .draw import words
from .fields_more import MORE

# Field and its share of the correct titles in per cent.
FIELD_SHARES = (
    ("computing", 46), ("economics", 7), ("mathematics", 8), ("engineering", 9), ("biology", 6),
    ("medicine", 6), ("physics", 4), ("linguistics", 4), ("psychology", 4), ("law", 2),
    ("history", 2), ("chemistry", 2),
)  # fmt: skip

FIELDS = {
    "computing": {
        "topic": words("""image segmentation | query optimization | text categorization | word
            alignment | speech recognition | intrusion detection | load balancing | face
            recognition | motion planning | information retrieval | feature selection | data
            integration | software testing | program verification | schema matching |
            collision detection | stereo vision | question answering | knowledge
            representation | garbage collection | code generation | anomaly detection |
            congestion control | resource allocation | named entity recognition | volume
            rendering | surface reconstruction | job scheduling | machine translation | link
            prediction | channel estimation | key exchange | access control | cache coherence
            | process mining | object tracking | plan recognition | topic detection | music
            retrieval | register allocation | pointer analysis | graph drawing | nearest
            neighbor search | outlier detection | document summarization | power management |
            fault diagnosis | requirements elicitation | leader election | view maintenance |
            dialogue management | handwriting recognition | parameter estimation | mesh
            generation | record linkage | image registration | type inference | data cleaning
            | term extraction | protein structure prediction | demand forecasting | route
            planning | concurrency control | texture synthesis | regression testing | buffer
            sizing | credit scoring | vehicle routing | fingerprint matching | sequence
            alignment | gesture recognition | spam filtering | timetabling | sentiment
            analysis | authentication | replication | coreference resolution | multicast
            routing | parsing | performance prediction | peer review | traffic shaping |
            subgroup discovery | constraint solving | image compression | software reuse |
            crash recovery"""),
        "things": words("""programs | queries | graphs | images | user interfaces | web pages
            | databases | ontologies | sensors | proofs | contracts | agents | robots |
            documents | time series | point clouds | polygons | type systems | trajectories |
            games | markets | workflows | speech signals | routing tables | requirements |
            design patterns | compilers | digital libraries | search engines | neural networks
            | decision trees | sequences | shared objects | components | event streams |
            finite automata | kernels | hash tables | mobile devices | spreadsheets |
            passwords | medical records | news stories | tensors | social networks |
            concurrent processes | video streams | road maps | gestures | virtual machines |
            file systems | communities | services | preferences | annotations | C++ programs |
            XML documents | SQL:1999 views | B+-trees | k-d trees | n-grams | web services |
            Java applets | IPv6 routers | L1-norms | smart cards | MPI programs | JPEG 2000
            images | RFID tags | blogs | UML 2.0 models | VHDL descriptions | P2P overlays |
            GPUs | Excel spreadsheets | off-by-one errors"""),
        "method": words("""dynamic programming | simulated annealing | Bayesian inference |
            genetic algorithms | support vector machines | graph neural networks | model
            checking | linear programming | constraint propagation | random projections |
            spectral methods | partial evaluation | hidden Markov models | reinforcement
            learning | active learning | abstract interpretation | wavelet transforms | Monte
            Carlo methods | transfer learning | finite elements | answer set programming |
            attention mechanisms | fuzzy logic | principal component analysis | branch and
            bound | locality-sensitive hashing | temporal logic | kernel methods | mixture
            models | maximum entropy | tabu search | Petri nets | functional programming |
            contrastive learning | Gaussian processes | gradient boosting | aspect-oriented
            programming | description logics | splines | boosting | latent variable models |
            domain-specific languages | symbolic execution | case-based reasoning | particle
            filters | Kalman filtering | game theory | software transactional memory | belief
            propagation | convex relaxation | XML views | belief networks | edge caching |
            program slicing | message passing | tree automata | multigrid methods | network
            coding | sketching | speculative execution | crowdsourcing | qualitative reasoning
            | logistic regression | structural equation models | LSTM models | discrete event
            simulation | self-training | matrix factorization | term rewriting | compressed
            sensing | SAT solving | integer programming | BDD-based analysis | k-means
            clustering | 3-SAT | A* search | AdaBoost | XSLT | the EM algorithm | Z notation |
            CSP | semi-Markov models | RSA-based signatures | t-tests | L2 regularization |
            MapReduce | OpenMP | R-trees | Q-learning"""),
        "setting": words("""wireless sensor networks | peer-to-peer systems | mobile ad hoc
            networks | data warehouses | medical imaging | electronic commerce | embedded
            systems | object- oriented databases | the semantic web | digital libraries |
            cloud computing | virtual environments | biological networks | higher education |
            health care | multiprocessor systems | relational databases | IP networks | smart
            grids | high-energy physics | remote sensing | computational biology | software
            engineering | natural language interfaces | operating systems | grid computing |
            the life sciences | supply chains | online communities | optical networks |
            manufacturing systems | public administration | autonomous vehicles | computer
            games | primary schools | multi-core processors | social media | climate models |
            financial markets | distributed systems | open source projects | hospital wards |
            vehicular networks | VLSI circuits | large ontologies | logic programs |
            developing countries | metric spaces | Java programs | first-order logic | urban
            planning | reversible circuits | scientific workflows | legal texts | fluid
            dynamics | speech interfaces | TCP/IP networks | Linux | UNIX | CORBA | C/C++ and
            Java | IEEE 802.11 networks | Fortran 90 | .NET | MPEG-4 | Haskell | ATM networks
            | RAID-6 arrays | Internet Explorer | MATLAB | the World Wide Web | Wikipedia |
            Prolog | the Intel Pentium 4 | Windows NT | Ethernet | Eclipse | the Java Virtual
            Machine | Twitter"""),
        "adj": words("""efficient | robust | adaptive | scalable | incremental | distributed |
            parallel | approximate | probabilistic | interactive | hierarchical | low-cost |
            fault-tolerant | context-aware | real-time | large-scale | semi-supervised |
            unsupervised | automatic | optimal | sparse | dense | secure | privacy-preserving
            | energy-efficient | modular | declarative | lazy | online | stochastic | dynamic
            | static | formal | practical | fast | lightweight | self-organizing | multi-agent
            | high-order | nonlinear | implicit | data-driven | compositional | fair |
            transparent | collaborative | hybrid | generalized | minimal | local | reversible
            | cooperative | unified | type-safe | asynchronous | novel | new | improved |
            simple | integrated | intelligent | flexible | multi-level | high-performance |
            object-oriented | knowledge-based"""),
    },
    "economics": {
        "topic": words("""income inequality | voter turnout | labour migration | school choice
            | household debt | trade liberalization | social capital | corporate governance |
            child poverty | monetary policy | land reform | minimum wages | political trust |
            job satisfaction | urban segregation | media exposure | teacher training |
            remittances | consumer confidence | parental education | fiscal decentralization |
            female employment | organizational learning | early retirement | electoral
            competition | housing prices | public opinion | civic participation | technology
            adoption | working hours | exchange rate volatility | knowledge transfer | group
            identity | air pollution | risk aversion | collective bargaining | foreign aid |
            peer pressure | welfare reform | commuting | language policy | tax evasion |
            gender roles | crime | union membership | entrepreneurship | class size | price
            discrimination | public health | mental health | immigrant integration | moral
            judgement | working memory | reading ability"""),
        "things": words("""households | firms | workers | voters | migrants | banks | local
            governments | farmers | auctions | tariffs | pension funds | small enterprises |
            labour unions | consumers | stock returns | exchange rates | subsidies | property
            rights | mergers | incentives | central banks | contracts | start-ups | business
            cycles | tax reforms"""),
        "method": words("""panel data | instrumental variables | a natural experiment | game
            theory | structural estimation | time series analysis | survey data |
            cointegration | auctions | general equilibrium models | discrete choice models | a
            gravity model | microfinance | regression discontinuity | input-output analysis |
            real options | value at risk"""),
        "setting": words("""developing countries | the labour market | emerging markets |
            rural areas | the public sector | the euro area | multinational firms | supply
            chains | the OECD | family businesses | higher education | the service sector |
            open economies | cities | financial markets | the health sector | tourism |
            agriculture | the digital economy"""),
        "adj": words("""optimal | public | regional | comparative | dynamic | long-term |
            institutional | strategic | unequal | sustainable | rational | informal |
            corporate | behavioural | cross-border | competitive | fiscal | endogenous |
            social | local | global"""),
    },
}
FIELDS |= MORE
