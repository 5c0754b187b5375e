dist_man_MANS += doc/belfryctl.1
