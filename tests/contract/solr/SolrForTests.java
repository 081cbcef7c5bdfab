import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.solr.client.solrj.request.CollectionAdminRequest;
import org.apache.solr.cloud.MiniSolrCloudCluster;

/** A SolrCloud of one node in one JVM: prints its address and lives until its standard input is closed. */
public class SolrForTests {
  public static void main(String[] arguments) throws Exception {
    Path base = Path.of(arguments[0]);
    MiniSolrCloudCluster cluster =
        new MiniSolrCloudCluster.Builder(1, base).addConfig("flow", Path.of(arguments[1])).configure();
    for (int i = 2; i < arguments.length; i++) {
      CollectionAdminRequest.createCollection(arguments[i], "flow", 1, 1).process(cluster.getSolrClient());
      cluster.waitForActiveCollection(arguments[i], 1, 1);
    }
    System.out.println("READY " + cluster.getJettySolrRunners().get(0).getBaseUrl());
    System.out.flush();
    while (System.in.read() >= 0) {
      continue;
    }
    cluster.shutdown();
    System.exit(0);
  }
}
