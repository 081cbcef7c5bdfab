import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import org.apache.solr.client.solrj.request.CollectionAdminRequest;
import org.apache.solr.cloud.MiniSolrCloudCluster;
import org.apache.solr.embedded.JettySolrRunner;

/**
 * A SolrCloud in one JVM: prints the addresses of its nodes and lives until its standard input is closed.
 *
 * Arguments: a directory, how many nodes, a configuration, the collections to make with it. On its input a
 * line `stop N` stops a node and `start N` starts it again; both are answered by a line `DONE`.
 */
public class SolrForTests {
  public static void main(String[] arguments) throws Exception {
    Path base = Path.of(arguments[0]);
    int nodes = Integer.parseInt(arguments[1]);
    MiniSolrCloudCluster cluster =
        new MiniSolrCloudCluster.Builder(nodes, base).addConfig("flow", Path.of(arguments[2])).configure();
    for (int i = 3; i < arguments.length; i++) {
      CollectionAdminRequest.createCollection(arguments[i], "flow", 1, 1).process(cluster.getSolrClient());
      cluster.waitForActiveCollection(arguments[i], 1, 1);
    }
    StringBuilder addresses = new StringBuilder("READY");
    for (JettySolrRunner node : cluster.getJettySolrRunners()) {
      addresses.append(' ').append(node.getBaseUrl());
    }
    say(addresses.toString());
    JettySolrRunner[] runners = cluster.getJettySolrRunners().toArray(new JettySolrRunner[0]);
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.split(" ");
      JettySolrRunner node = runners[Integer.parseInt(words[1])];
      if (words[0].equals("stop")) {
        node.stop();
      } else {
        node.start(true);
      }
      say("DONE");
    }
    cluster.shutdown();
    System.exit(0);
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
