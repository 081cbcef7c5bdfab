"""Reviewing: what a person sees of the runs of a collection and says to them, for a page or a shell.

``overview`` lists collections and runs, ``clusters`` pages through the clusters of a run, ``cluster`` shows
one, ``judging`` takes verdicts, ``approving`` says what follows from them, ``sampling`` proves by a sample
how often decisions are wrong, ``pictures`` makes the pictures small.
"""
