"""Fields of study and their words, those beside computing and economics."""

from __future__ import annotations

from .draw import words

MORE = {
    "mathematics": {
        "topic": words("""planar graph coloring | integer factorization | prime gaps | group
            actions | cyclic cohomology | optimal transport | interpolation | random walks |
            numerical integration | convex optimization | domination in graphs | Ramsey theory
            | proof theory | elliptic regularity | matrix completion | percolation |
            approximation | set packing | modal logic | model theory | knot invariants |
            lattice reduction | mixing times | spectral gaps | combinatorial designs |
            boundary value problems | large deviations | polynomial factorization | stochastic
            integration | hypothesis testing | duality"""),
        "things": words("""planar graphs | finite groups | convex polytopes | regular
            languages | sparse matrices | Markov chains | binary trees | lattices | matroids |
            Boolean functions | metric spaces | Hamiltonian cycles | tournaments | cubic
            graphs | simplicial complexes | permutations | hypergraphs | polynomial ideals |
            Lie algebras | elliptic curves | differential equations | Banach spaces | random
            matrices | manifolds | codes | knots | quadratic forms | modular forms | Cayley
            graphs | posets | integral operators"""),
        "method": words("""the probabilistic method | generating functions | finite
            differences | Gröbner bases | Krylov subspace methods | spline interpolation |
            homotopy methods | transfinite induction | finite element methods | interior point
            methods | wavelets | quantifier elimination | multigrid methods | least squares |
            stochastic calculus | domain decomposition | Fourier analysis | order statistics |
            sequent calculi"""),
        "setting": words("""higher dimensions | the plane | Hilbert space | characteristic two
            | first-order logic | bipartite graphs | Euclidean spaces | finite fields | the
            torus | polynomial time | weighted graphs | hyperbolic groups | complex domains |
            set theory | linear orders | Sobolev spaces | abelian categories | the unit disc"""),
        "adj": words("""nonlinear | asymptotic | sharp | weak | strong | uniform | linear |
            algebraic | constructive | extremal | generalized | partial | singular | symmetric
            | bounded | computable | minimal | tight | explicit | random | optimal | almost
            periodic | infinite | multivariate | elementary"""),
    },
    "engineering": {
        "topic": words("""heat transfer | vibration control | channel estimation | power
            dissipation | beam steering | structural health monitoring | turbulence modelling
            | logic synthesis | fault diagnosis | trajectory planning | antenna design | crack
            propagation | routing | analog circuit design | equalization | delay estimation |
            clock distribution | voltage regulation | process control | noise cancellation |
            waste water treatment | traffic signal control | fatigue testing | wind power
            generation | modulation | test pattern generation | source coding | earthquake
            response | image coding | soil stabilization | engine calibration | rate control |
            load forecasting"""),
        "things": words("""antennas | bridges | turbines | heat exchangers | robot arms |
            solar cells | induction motors | composite beams | FPGAs | A/D converters | power
            networks | filters | batteries | concrete slabs | sensors | pipelines |
            microprocessors | MIMO channels | vehicles | satellites | aircraft wings |
            interconnects | PID controllers | amplifiers | optical switches | membranes |
            manipulators | transmission lines | buildings"""),
        "method": words("""finite element analysis | sliding mode control | adaptive filtering
            | neural networks | model predictive control | turbo codes | Kalman filtering |
            space-time codes | fuzzy control | computational fluid dynamics | pulse shaping |
            phase-locked loops | beamforming | built-in self-test | modal analysis | OFDM |
            wavelet packets | genetic algorithms | feedback linearization | laser scanning"""),
        "setting": words("""wireless networks | power systems | deep submicron technology |
            MIMO systems | fading channels | reinforced concrete | automotive applications |
            smart buildings | CMOS | mobile robots | process plants | optical networks | cold
            climates | space | high-speed trains | offshore structures | UMTS | mixed-signal
            circuits | aircraft"""),
        "adj": words("""low-power | robust | adaptive | high-speed | optimal | wide-band |
            passive | active | decentralized | blind | thermal | digital | analog |
            reconfigurable | hybrid | real-time | low-complexity | multi-user | nonlinear |
            seismic | fast | intelligent"""),
    },
    "biology": {
        "topic": words("""gene expression | membrane transport | protein folding | cell
            division | immune response | photosynthesis | soil respiration | bone growth | RNA
            splicing | neural plasticity | enzyme kinetics | population dynamics | seed
            dispersal | speciation | DNA repair | insulin signalling | viral replication |
            foraging behaviour | gene flow | transcription factor binding | genome assembly |
            phylogenetic inference | predation | microRNA target prediction | metabolic
            control | sequence alignment | mate choice | habitat fragmentation | codon usage |
            nitrogen fixation | apoptosis | root growth"""),
        "things": words("""proteins | genes | microarrays | bacteria | binding sites |
            phylogenetic trees | mutations | birds | pollinators | kinases | membranes | stem
            cells | genomes | mosses | plankton communities | parasites | promoters | gene
            regulatory networks | neurons | insects | amino acids | introns | invasive species
            | haplotypes | protein complexes"""),
        "method": words("""mass spectrometry | hidden Markov models | flow cytometry | gene
            ontology | cryo-electron microscopy | molecular dynamics | whole-genome sequencing
            | DNA barcoding | Bayesian networks | support vector machines | quantitative trait
            analysis | RNA-seq | mark-recapture | principal component analysis | fluorescence
            imaging | BLAST"""),
        "setting": words("""yeast | fruit flies | zebrafish | temperate forests | honey bees |
            laboratory mice | Escherichia coli | coastal wetlands | Arabidopsis thaliana |
            rice | alpine lakes | migratory birds | tomato plants | human cells | Drosophila |
            coral reefs | Caenorhabditis elegans | vertebrates | grasslands | the human genome
            | Atlantic salmon"""),
        "adj": words("""genome-wide | comparative | molecular | evolutionary | seasonal |
            functional | cis-regulatory | nuclear | conserved | rapid | adaptive | bacterial |
            structural | differential | statistical | ecological | automated | single-cell |
            novel"""),
    },
    "medicine": {
        "topic": words("""blood pressure control | breast cancer screening | hip fracture |
            sleep apnea | postoperative pain | vaccination | stroke rehabilitation | insulin
            resistance | asthma | type 2 diabetes | liver transplantation | antibiotic
            prescribing | low back pain | HIV | wound healing | maternal mortality | patient
            safety | depression | hearing loss | medication adherence | brain imaging |
            childhood obesity | coronary artery disease | emergency care | smoking cessation |
            dental caries | renal failure | palliative care"""),
        "things": words("""patients | nurses | statins | hospital admissions | beta blockers |
            older adults | tumours | infants | medical records | risk factors | biomarkers |
            surgeons | caregivers | vaccines | pregnant women | implants | opioids | lesions |
            clinical guidelines | cancer survivors | antibodies | electrocardiograms | family
            doctors"""),
        "method": words("""magnetic resonance imaging | cognitive behavioural therapy |
            ultrasound | computed tomography | a mobile phone app | exercise training |
            telemedicine | PET | laparoscopic surgery | early physiotherapy | decision support
            | image registration | a nurse-led intervention | machine learning | dietary
            counselling | dialysis"""),
        "setting": words("""primary care | rural hospitals | children under five | the
            emergency department | adults with diabetes | intensive care units | low-income
            countries | nursing homes | sub-Saharan Africa | pregnancy | the elderly | general
            practice | school children | an urban population | women with osteoporosis |
            critically ill patients"""),
        "adj": words("""acute | chronic | early | randomized | minimally invasive |
            prospective | clinical | home-based | cardiovascular | long-term | paediatric |
            multicentre | preoperative | cost-effective | inflammatory | preventive | oral |
            severe | perioperative"""),
    },
    "physics": {
        "topic": words("""spin relaxation | crystal growth | plasma turbulence | magnetic
            ordering | star formation | quantum transport | thin film deposition | dark matter
            | superfluidity | Bose-Einstein condensation | neutrino oscillations | light
            scattering | inflation | quantum error correction | gravitational lensing | phase
            separation | entanglement | superconductivity | ocean circulation | black hole
            thermodynamics | photoemission | wave localization | heat conduction | jet
            quenching | lattice QCD | diffusion"""),
        "things": words("""galaxies | quantum dots | neutron stars | phonons | gauge theories
            | black holes | cosmic rays | semiconductors | optical lattices | solitons |
            vortices | thin films | photonic crystals | exoplanets | spin glasses | qubits |
            plasmas | nanotubes | clouds | magnetic monopoles | aerosols | ultracold atoms |
            sunspots | earthquakes"""),
        "method": words("""Monte Carlo simulation | neutron scattering | density functional
            theory | the renormalization group | X-ray diffraction | mean-field theory |
            adaptive optics | Raman spectroscopy | perturbation theory | molecular beam
            epitaxy | interferometry | ab initio calculations | scanning tunnelling microscopy
            | particle tracking"""),
        "setting": words("""two dimensions | galaxy clusters | layered semiconductors | binary
            alloys | porous media | strong magnetic fields | the early universe | the solar
            corona | graphene | heavy-ion collisions | disordered systems | ultrathin films |
            the upper atmosphere | liquid crystals | nonlinear media | type II supernovae |
            cuprates"""),
        "adj": words("""quantum | relativistic | coherent | magnetic | thermal | topological |
            anomalous | nonperturbative | supersymmetric | anisotropic | dissipative |
            critical | cold | low-energy | optical | resonant | turbulent | inelastic |
            stochastic"""),
    },
    "linguistics": {
        "topic": words("""word order | language acquisition | vowel harmony | code-switching |
            ellipsis | grammatical gender | speech perception | politeness | verb agreement |
            word formation | anaphora resolution | second language writing | dialect contact |
            negation | prosody | statistical machine translation | word sense disambiguation |
            stress assignment | language death | topic and focus | part-of-speech tagging |
            metaphor | case marking | morphological analysis | speech synthesis | language
            modelling | discourse structure"""),
        "things": words("""relative clauses | clitics | verbs | loanwords | child speakers |
            treebanks | idioms | pronouns | causatives | dialects | parallel corpora |
            dictionaries | tones | serial verbs | interrogatives | compounds | sign languages
            | collocations | adjectives | dialogues | discourse markers | scripts |
            translations | speech errors | lexicons"""),
        "method": words("""optimality theory | a corpus-based approach | eye tracking | tree
            adjoining grammar | construction grammar | unification grammars | distributional
            semantics | parsing | conversation analysis | lexical functional grammar | maximum
            entropy models | statistical alignment | finite-state transducers | elicitation |
            categorial grammar"""),
        "setting": words("""Mandarin Chinese | Old English | spoken dialogue systems | German
            | Turkish | Bantu languages | early modern French | Japanese | learner English |
            Arabic dialects | Brazilian Portuguese | the classroom | Romance | multilingual
            communities | Hindi | bilingual children | Mayan | newspaper text | Cantonese"""),
        "adj": words("""lexical | syntactic | semantic | historical | contrastive |
            phonological | spoken | cross-linguistic | unsupervised | incremental |
            morphological | statistical | pragmatic | multilingual | robust | null | early |
            broad-coverage | contextual"""),
    },
    "psychology": {
        "topic": words("""working memory | visual attention | moral judgement | reading
            ability | learning | group identity | peer pressure | job satisfaction | teacher
            training | self-efficacy | emotion regulation | mathematics anxiety | face
            perception | risk taking | motivation | distance education | cooperative learning
            | mental health | decision making | trust | social comparison | bullying |
            parental involvement | creativity | loneliness | play | science teaching |
            critical thinking | multisensory integration | test anxiety"""),
        "things": words("""adolescents | teachers | students | young children | stereotypes |
            first impressions | attitudes | learning styles | teams | classrooms | museums |
            memories | online courses | gestures | textbooks | infants | habits | school
            leaders | concept maps | siblings | mental models | educational games | eye
            movements | assessments"""),
        "method": words("""structural equation models | think-aloud protocols | problem-based
            learning | functional MRI | peer assessment | grounded theory | a diary method |
            reaction times | factor analysis | virtual reality | item response theory |
            storytelling | mindfulness | a longitudinal design | concept mapping | focus
            groups | serious games"""),
        "setting": words("""primary schools | early childhood | higher education | the
            workplace | adolescence | vocational training | online communities | older adults
            | science museums | adulthood | multicultural classrooms | close relationships |
            teacher education | virtual teams | nursing students | single-parent families"""),
        "adj": words("""perceived | implicit | cognitive | collaborative | emotional | gifted
            | early | self-regulated | social | spatial | reflective | intergenerational |
            effective | adaptive | inclusive | informal | subjective | verbal | developmental"""),
    },
    "law": {
        "topic": words("""freedom of expression | judicial review | product liability | asylum
            law | international arbitration | data protection | criminal responsibility |
            constitutional reform | copyright | privacy | property | human rights | legal
            pluralism | the rule of law | sentencing | competition law | environmental
            liability | informed consent | custody | bankruptcy | investment protection |
            secession | police powers | legal interpretation"""),
        "things": words("""courts | judges | contracts | patents | treaties | refugees |
            precedents | statutes | legal norms | trade marks | sanctions | juries | class
            actions | constitutions | minorities | prosecutors | standard terms | humanitarian
            interventions | witnesses | agencies"""),
        "method": words("""proportionality | comparative law | economic analysis | mediation |
            soft law | legal transplants | legal argumentation | case law | codification |
            restorative justice | self-regulation | empirical legal research | plea bargaining"""),
        "setting": words("""the European Union | international law | South Africa | federal
            states | cyberspace | Islamic law | the common law | India | the United States |
            Roman law | wartime | transitional societies | the WTO | Latin America | the
            welfare state"""),
        "adj": words("""constitutional | judicial | international | private | public |
            criminal | lawful | transnational | corporate | comparative | civil | procedural |
            regulatory | indigenous | digital | fundamental"""),
    },
    "history": {
        "topic": words("""land reform | urban growth | the slave trade | religious conversion
            | colonial rule | the industrial revolution | court culture | popular politics |
            memory | exile | famine | print culture | everyday life | state formation | the
            reception of Aristotle | witchcraft | monastic reform | nationalism | labour
            migration | the grain trade | pilgrimage | irrigation | diplomacy | book
            collecting | craft guilds | imperial administration | the public sphere"""),
        "things": words("""merchants | peasants | cities | manuscripts | monasteries |
            travellers | women | empires | soldiers | coins | maps | letters | artisans |
            museums | saints | burial mounds | newspapers | frontiers | ruins | chronicles |
            inscriptions | portraits | exiles"""),
        "method": words("""oral history | microhistory | prosopography | excavation | parish
            registers | dendrochronology | archival sources | radiocarbon dating | iconography
            | court records | digital editions | network analysis"""),
        "setting": words("""medieval Iberia | early modern Europe | Ming China | the Ottoman
            Empire | Weimar Germany | ancient Rome | Victorian London | colonial Mexico |
            Tokugawa Japan | revolutionary France | the Cold War | Renaissance Florence | the
            Bronze Age | Mughal India | the Habsburg lands | interwar Poland | Late Antiquity
            | the Atlantic world"""),
        "adj": words("""early | medieval | imperial | forgotten | popular | rural | contested
            | sacred | everyday | colonial | domestic | Byzantine | transatlantic | royal |
            radical | lost"""),
    },
    "chemistry": {
        "topic": words("""hydrogen storage | ring-opening polymerization | solvent extraction
            | corrosion | asymmetric hydrogenation | crystal structure prediction | CO2
            capture | self-assembly | protein adsorption | drug release | catalytic oxidation
            | electron transfer | sintering | surface functionalization | water splitting |
            peptide synthesis | gas separation"""),
        "things": words("""nanoparticles | zeolites | ionic liquids | metal-organic frameworks
            | polymers | hydrogels | alloys | ligands | block copolymers | ceramics | enzymes
            | gold clusters | liquid crystals | perovskites | carbon fibres | dyes | thin
            films | steroids"""),
        "method": words("""NMR spectroscopy | cyclic voltammetry | X-ray crystallography |
            click chemistry | sol-gel processing | gas chromatography | density functional
            theory | ball milling | quantum chemical calculations | atomic force microscopy |
            electrospinning"""),
        "setting": words("""aqueous solution | supercritical carbon dioxide | steel | polymer
            blends | fuel cells | biological fluids | lithium-ion batteries | drinking water |
            organic solvents | stainless steels | supramolecular systems"""),
        "adj": words("""selective | catalytic | porous | chiral | amphiphilic | photochemical
            | facile | electrochemical | hydrothermal | biodegradable | mesoporous |
            palladium-catalyzed | enantioselective | green | thermal | organic"""),
    },
}
