"""The query language of q, fq, sort, fl and facets, with Solr's own meaning."""
