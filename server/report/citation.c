#include "server/report/citation.h"

#include <string.h>

static const struct {
    const char *name;
    const char *keys[CITATIONS_MAX];
} cited[] = {
    {"random", {"bergstra2012random"}},
    {"quasirandom", {"joe2008sobol"}},
    {"tpe", {"bergstra2011algorithms"}},
    {"nsga2", {"deb2002nsga2"}},
    {"bayesian", {"snoek2012practical"}},
    {"hyperband", {"li2018hyperband"}},
    {"bohb", {"falkner2018bohb"}},
    {"successive_halving", {"jamieson2016halving"}},
    {"asha", {"li2020asha"}},
    {"median", {"golovin2017vizier"}},
};

static const struct {
    const char *key, *entry;
} entries[] = {
    {"bergstra2012random",
     "@article{bergstra2012random,\n  author = {James Bergstra and Yoshua Bengio},\n"
     "  title = {Random Search for Hyper-Parameter Optimization},\n"
     "  journal = {Journal of Machine Learning Research},\n  volume = {13},\n"
     "  pages = {281--305},\n  year = {2012}}"},
    {"joe2008sobol",
     "@article{joe2008sobol,\n  author = {Stephen Joe and Frances Y. Kuo},\n"
     "  title = {Constructing {Sobol} Sequences with Better Two-Dimensional Projections},\n"
     "  journal = {SIAM Journal on Scientific Computing},\n  volume = {30},\n  number = {5},\n"
     "  pages = {2635--2654},\n  year = {2008}}"},
    {"bergstra2011algorithms",
     "@inproceedings{bergstra2011algorithms,\n  author = {James Bergstra and R{\\'e}mi Bardenet "
     "and "
     "Yoshua Bengio and Bal{\\'a}zs K{\\'e}gl},\n"
     "  title = {Algorithms for Hyper-Parameter Optimization},\n"
     "  booktitle = {Advances in Neural Information Processing Systems},\n  year = {2011}}"},
    {"deb2002nsga2",
     "@article{deb2002nsga2,\n  author = {Kalyanmoy Deb and Amrit Pratap and Sameer Agarwal and T. "
     "Meyarivan},\n"
     "  title = {A Fast and Elitist Multiobjective Genetic Algorithm: {NSGA-II}},\n"
     "  journal = {IEEE Transactions on Evolutionary Computation},\n  volume = {6},\n"
     "  number = {2},\n  pages = {182--197},\n  year = {2002}}"},
    {"snoek2012practical",
     "@inproceedings{snoek2012practical,\n  author = {Jasper Snoek and Hugo Larochelle and Ryan P. "
     "Adams},\n  title = {Practical {Bayesian} Optimization of Machine Learning Algorithms},\n"
     "  booktitle = {Advances in Neural Information Processing Systems},\n  year = {2012}}"},
    {"li2018hyperband",
     "@article{li2018hyperband,\n  author = {Lisha Li and Kevin Jamieson and Giulia DeSalvo and "
     "Afshin Rostamizadeh and Ameet Talwalkar},\n"
     "  title = {Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization},\n"
     "  journal = {Journal of Machine Learning Research},\n  volume = {18},\n  number = {185},\n"
     "  pages = {1--52},\n  year = {2018}}"},
    {"falkner2018bohb",
     "@inproceedings{falkner2018bohb,\n  author = {Stefan Falkner and Aaron Klein and Frank "
     "Hutter},\n  title = {{BOHB}: Robust and Efficient Hyperparameter Optimization at Scale},\n"
     "  booktitle = {International Conference on Machine Learning},\n  year = {2018}}"},
    {"jamieson2016halving",
     "@inproceedings{jamieson2016halving,\n  author = {Kevin Jamieson and Ameet Talwalkar},\n"
     "  title = {Non-stochastic Best Arm Identification and Hyperparameter Optimization},\n"
     "  booktitle = {Artificial Intelligence and Statistics},\n  year = {2016}}"},
    {"li2020asha",
     "@inproceedings{li2020asha,\n  author = {Liam Li and Kevin Jamieson and Afshin Rostamizadeh "
     "and Ekaterina Gonina and Jonathan Ben-tzur and Moritz Hardt and Benjamin Recht and Ameet "
     "Talwalkar},\n  title = {A System for Massively Parallel Hyperparameter Tuning},\n"
     "  booktitle = {Machine Learning and Systems},\n  year = {2020}}"},
    {"golovin2017vizier",
     "@inproceedings{golovin2017vizier,\n  author = {Daniel Golovin and Benjamin Solnik and "
     "Subhodeep Moitra and Greg Kochanski and John Karro and D. Sculley},\n"
     "  title = {{Google Vizier}: A Service for Black-Box Optimization},\n"
     "  booktitle = {Knowledge Discovery and Data Mining},\n  year = {2017}}"},
    {CITATION_BEST_OF_N,
     "@inproceedings{dodge2019show,\n  author = {Jesse Dodge and Suchin Gururangan and Dallas Card "
     "and Roy Schwartz and Noah A. Smith},\n"
     "  title = {Show Your Work: Improved Reporting of Experimental Results},\n"
     "  booktitle = {Empirical Methods in Natural Language Processing},\n  year = {2019}}"},
};

size_t citation_keys(const char *name, const char *keys[CITATIONS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof cited / sizeof cited[0]; i++) {
        for (size_t k = 0; strcmp(cited[i].name, name) == 0 && k < CITATIONS_MAX; k++) {
            if (cited[i].keys[k] != NULL) {
                keys[n++] = cited[i].keys[k];
            }
        }
    }
    return n;
}

const char *citation_entry(const char *key)
{
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        if (strcmp(entries[i].key, key) == 0) {
            return entries[i].entry;
        }
    }
    return NULL;
}
