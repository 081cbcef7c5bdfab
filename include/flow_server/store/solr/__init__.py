"""SolrCloud as the document store: `python -m include.flow_server --store solr`."""
