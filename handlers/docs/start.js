// Shows our own document with the viewer that came with it; nothing is loaded from elsewhere.
SwaggerUIBundle({ url: '../openapi.yaml', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null });
