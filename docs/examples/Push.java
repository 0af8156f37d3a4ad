import java.net.URI;
import java.net.http.*;

/** Pushes to the user "demo" with Java's own client: `java Push.java`; prints {"id":"…"}. */
class Push {
    public static void main(String[] arguments) throws Exception {
        var environment = System.getenv();
        var api = environment.getOrDefault("HOLDFAST_API", "http://127.0.0.1:8090");
        var push = "{\"to\":{\"user\":\"demo\"},\"data\":{\"text\":\"hello from Java\"}}";
        var request = HttpRequest.newBuilder(URI.create(api + "/v1/push"))
            .header("Authorization", "Bearer " + environment.getOrDefault("HOLDFAST_KEY", ""))
            .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(push)).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.body());
        System.exit(answer.statusCode() == 202 ? 0 : 1);
    }
}
