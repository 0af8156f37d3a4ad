<?php
// Pushes to the user "demo" with PHP's own streams; prints the push's id.
$api = getenv('HOLDFAST_API') ?: 'http://127.0.0.1:8090';
$push = ['to' => ['user' => 'demo'], 'data' => ['text' => 'hello from PHP']];
$header = ['Authorization: Bearer ' . getenv('HOLDFAST_KEY'), 'Content-Type: application/json'];
$http = ['method' => 'POST', 'header' => $header, 'content' => json_encode($push), 'timeout' => 10];
$answer = file_get_contents("$api/v1/push", false, stream_context_create(['http' => $http]));
if ($answer === false) exit(1);
echo json_decode($answer)->id, "\n";
